"""Shuffled minibatches of many datasets, read from the tables of the lake.

While expression is read Polars does not run, so that it may be read in forked processes.
"""
