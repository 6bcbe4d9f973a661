"""The sides of a split."""

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SIDES = (TRAIN, VALIDATION, TEST)
# What all of them together are called where they are compared with other tables.
ALL_SIDES = f"{TRAIN}, {VALIDATION} and {TEST}"
