"""Copies of a cell, and the donors that they show to be one person."""
