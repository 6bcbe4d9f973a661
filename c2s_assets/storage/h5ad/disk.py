"""Reads bytes of an open HDF5 file past HDF5, from any thread."""

import os
import weakref
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray


class Disk:
    """A descriptor of our own of a file that h5py holds open, valid for as long as this object is."""

    def __init__(self, file: h5py.File) -> None:
        self._descriptor = os.dup(file.id.get_vfd_handle())
        # Closed with us, not with the file, or a thread that still reads would get the bytes of another file.
        weakref.finalize(self, os.close, self._descriptor)
        self.n_bytes = os.fstat(self._descriptor).st_size

    def holds(self, offset: int, n_bytes: int) -> bool:
        """Whether the file was long enough, when it was opened, to have these bytes."""
        return 0 <= offset <= self.n_bytes - n_bytes

    def read(self, offset: int, n_bytes: int) -> bytes:
        """Read bytes; fewer if the file has become shorter."""
        return os.pread(self._descriptor, n_bytes, offset)

    def read_into(self, values: NDArray[Any], offset: int) -> int:
        """Fill a contiguous array and return how many bytes were read; fewer if the file became shorter."""
        buffer = values.reshape(-1).view(np.uint8)
        n_read = 0
        # One call reads 2 GiB at most.
        while n_new := os.preadv(self._descriptor, [buffer[n_read:].data], offset + n_read):
            n_read += n_new
        return n_read
