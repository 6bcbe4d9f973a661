"""Paths of the lake, and how a file takes its place in it."""
