"""Copies of cells across the lake, and the donors that they show to be one person."""
