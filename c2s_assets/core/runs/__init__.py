"""When something is built, and which old runs are forgotten."""
