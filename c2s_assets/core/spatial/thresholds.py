"""Parting the pixels of an image into two groups."""

import numpy as np
from numpy.typing import NDArray

LEVELS = 64


def otsu(level: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the level of each image that parts its pixels into two groups with the most variance between.

    Parameters
    ----------
    level
        From 0 to `LEVELS` - 1, the first axis that of images.

    Returns
    -------
    The highest level of the lower group, shape ``(n_images,)``.
    """
    n = len(level)
    places = level.reshape(n, -1) + np.arange(n)[:, None] * LEVELS
    counts = np.bincount(places.ravel(), minlength=n * LEVELS).reshape(n, LEVELS)
    below = counts.cumsum(axis=1)
    sums = (counts * np.arange(LEVELS)).cumsum(axis=1)
    above, rest = below[:, -1:] - below, sums[:, -1:] - sums
    between = below * above * (sums / np.maximum(below, 1) - rest / np.maximum(above, 1)) ** 2
    found: NDArray[np.int64] = between.argmax(axis=1)
    return found
