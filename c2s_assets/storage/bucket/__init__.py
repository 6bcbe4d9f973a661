"""Objects in a bucket of S3, or of what speaks like it: read, written, swapped, listed. Nothing of lakes."""
