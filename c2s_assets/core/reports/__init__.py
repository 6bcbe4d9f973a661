"""What is said of a dataset or of the whole lake: checks, figures, lines for the terminal."""
