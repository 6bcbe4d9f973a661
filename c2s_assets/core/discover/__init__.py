"""What CELLxGENE Discover lists, which of it is selected, and what has to be fetched."""
