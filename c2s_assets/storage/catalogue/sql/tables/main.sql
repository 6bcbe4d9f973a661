use main;
