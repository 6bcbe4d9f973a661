"""What stands in deploy/ works as far as one machine without containers can tell."""
