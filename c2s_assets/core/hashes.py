"""Short, stable identifiers and the keyed hash that orders equals."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def short_id(content: Mapping[str, object] | Sequence[object]) -> str:
    """Identify settings or rows by content: 12 hexadecimal digits of the hash of their canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return blake2b(canonical.encode(), digest_size=6).hexdigest()


def keys_of(names: Iterable[str], *, seed: int) -> NDArray[np.uint64]:
    """Hash each name with the seed to 64 bits, shape ``(n_names,)``, the same on every machine."""
    salt = blake2b(str(seed).encode(), digest_size=blake2b.SALT_SIZE).digest()
    joined = b"".join(blake2b(name.encode(), digest_size=8, salt=salt).digest() for name in names)
    return np.frombuffer(joined, dtype="<u8").astype(np.uint64)


def mix(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit keys one to one, so that near keys end up far apart.

    References
    ----------
    Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators (the SplitMix64
    finaliser). doi:10.1145/2714064.2660195
    """
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
