"""What each table must look like: one pandera model per table, and the Arrow schema derived from it."""
