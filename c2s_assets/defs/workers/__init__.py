"""Runs that workers take from a queue, on one or several machines; of the extra `cluster`."""
