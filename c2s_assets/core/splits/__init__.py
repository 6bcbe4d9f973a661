"""Which cells are for training and which for testing."""
