"""How images of a tissue are read: tile by tile, never whole if they can be large."""
