"""Prompts to train language models on: what is asked of which cells, in which words, without leaks."""
