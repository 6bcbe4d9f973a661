"""Cell sentences: ranking, writing and checking them."""
