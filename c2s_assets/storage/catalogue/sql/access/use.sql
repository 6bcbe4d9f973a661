use catalogue;
