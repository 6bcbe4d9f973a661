"""Ages: what a label, a number or a group says, in years."""
