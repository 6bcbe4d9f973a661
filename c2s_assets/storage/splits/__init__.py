"""What holds for all datasets of a lake together: the plan of the split, and what proves it."""
