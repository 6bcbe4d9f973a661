"""Shuffled minibatches of cells: their order, the genes of several datasets as one, copying of values."""
