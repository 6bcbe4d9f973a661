"""Matrices and their values: which one to use, what it holds, and its tables."""
