"""Finds the checksums that HDF5 keeps of its own structures, and mends them after a change."""

import numba as nb
import numpy as np
from numpy.typing import NDArray

SIGNATURES = (
    *(b"\x89HDF", b"OHDR", b"OCHK", b"FRHP", b"FHDB", b"FHIB", b"BTHD", b"BTIN", b"BTLF", b"FSHD", b"FSSE"),
    *(b"EAHD", b"EAIB", b"EASB", b"EADB", b"FAHD", b"FADB", b"SMTB", b"SMLI"),
)
_MOST_BYTES = 1_200


def find_checksummed(content: bytes) -> list[tuple[int, int]]:
    """List start and length of each structure that its checksum follows.

    The length is found by trying: HDF5 keeps that of some structures in another one.
    """
    values = np.frombuffer(content, dtype=np.uint8)
    found = []
    for sign in SIGNATURES:
        at = content.find(sign)
        while at >= 0:
            n_bytes = int(_find_length(values, at, min(_MOST_BYTES, len(content) - at - 4)))
            if n_bytes:
                found.append((at, n_bytes))
            at = content.find(sign, at + 1)
    return found


def mend(content: bytearray, structures: list[tuple[int, int]]) -> None:
    """Write the checksum of each structure anew."""
    values = np.frombuffer(bytes(content), dtype=np.uint8)
    for at, n_bytes in structures:
        content[at + n_bytes : at + n_bytes + 4] = int(_lookup3(values, at, n_bytes)).to_bytes(4, "little")


def compile_checksums() -> None:
    """Compile what the others need, which takes 2 s, before a process forks."""
    mend(bytearray(16), find_checksummed(b"OHDR" + bytes(12)) or [(0, 12)])


@nb.njit
def _find_length(values: NDArray[np.uint8], at: int, most: int) -> int:
    for n_bytes in range(8, most):
        none = np.uint32(0)
        stored = _added(values, at + n_bytes, 4, (none, none, none))[0]
        if stored == _lookup3(values, at, n_bytes):
            return n_bytes
    return 0


@nb.njit
def _lookup3(values: NDArray[np.uint8], at: int, n_bytes: int) -> np.uint32:
    """Bob Jenkins' hashlittle of 2006 with seed 0, as HDF5 uses it."""
    a = b = c = np.uint32(0xDEADBEEF + n_bytes)
    while n_bytes > 12:
        a, b, c = _mix(*_added(values, at, 12, (a, b, c)))
        at += 12
        n_bytes -= 12
    if n_bytes == 0:
        return c
    a, b, c = _added(values, at, n_bytes, (a, b, c))
    c = np.uint32((c ^ b) - _rotated(b, 14))
    a = np.uint32((a ^ c) - _rotated(c, 11))
    b = np.uint32((b ^ a) - _rotated(a, 25))
    c = np.uint32((c ^ b) - _rotated(b, 16))
    a = np.uint32((a ^ c) - _rotated(c, 4))
    b = np.uint32((b ^ a) - _rotated(a, 14))
    return np.uint32((c ^ b) - _rotated(b, 24))


@nb.njit
def _added(values, at, n_bytes, words):  # type: ignore[no-untyped-def]
    a, b, c = words
    for position in range(n_bytes):
        value = np.uint32(np.uint32(values[at + position]) << np.uint32(8 * (position % 4)))
        if position < 4:
            a = np.uint32(a + value)
        elif position < 8:
            b = np.uint32(b + value)
        else:
            c = np.uint32(c + value)
    return a, b, c


@nb.njit
def _mix(a, b, c):  # type: ignore[no-untyped-def]
    for n_bits in (4, 6, 8, 16, 19, 4):
        # One step, after which the three change places.
        a, c = np.uint32(np.uint32(a - c) ^ _rotated(c, n_bits)), np.uint32(c + b)
        a, b, c = b, c, a
    return a, b, c


@nb.njit
def _rotated(value, n_bits):  # type: ignore[no-untyped-def]
    return np.uint32(np.uint32(value << np.uint32(n_bits)) | np.uint32(value >> np.uint32(32 - n_bits)))
