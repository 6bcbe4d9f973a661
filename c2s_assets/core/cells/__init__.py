"""Cells: donor, organism, age and the columns of their source, and where that came from."""
