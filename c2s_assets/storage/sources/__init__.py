"""Source files and the listing of Discover: how they get into the lake, and what is known of them."""
