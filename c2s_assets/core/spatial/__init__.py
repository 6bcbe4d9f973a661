"""Where cells lie in a tissue: microns, who is near whom, and what neighbours can say to each other.

Images are no subject here; how files hold positions is known to `storage.spatial`.
"""
