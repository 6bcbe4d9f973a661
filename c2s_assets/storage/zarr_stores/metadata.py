"""Reads what a zarr store says of itself, before zarr is asked for a value."""

import json
import os
from pathlib import Path
from typing import Any

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError, UnsupportedEncodingError

_MAX_BYTES = 64 * 2**20
_NAMES = (".zarray", "zarr.json")
# What a group has, of either version of zarr.
_GROUP_V2, _ATTRIBUTES_V2, _GROUP_V3 = ".zgroup", ".zattrs", "zarr.json"
# What reads bytes and nothing else. numcodecs also knows `pickle`, which runs what a file says.
_CODECS = frozenset(
    {
        "blosc",
        "bytes",
        "bz2",
        "crc32",
        "crc32c",
        "adler32",
        "delta",
        "endian",
        "fixedscaleoffset",
        "fletcher32",
        "gzip",
        "lz4",
        "lzma",
        "packbits",
        "sharding_indexed",
        "shuffle",
        "transpose",
        "vlen-bytes",
        "vlen-utf8",
        "zlib",
        "zstd",
    }
)


def is_zarr_store(folder: Path) -> bool:
    """Whether a folder is a zarr store, of whatever it may be, or a group of one."""
    return (folder / _GROUP_V2).is_file() or (folder / _GROUP_V3).is_file()


def read_attributes(folder: Path) -> dict[str, Any]:
    """Read the attributes of a group.

    Raises
    ------
    NotAnH5adError, UnsafeFileError
        If what describes it is no JSON, or is larger than any such description.
    """
    if (folder / _GROUP_V3).is_file():
        found = _read(folder / _GROUP_V3, f"{folder.name}/{_GROUP_V3}").get("attributes")
        return found if isinstance(found, dict) else {}
    file = folder / _ATTRIBUTES_V2
    return _read(file, f"{folder.name}/{_ATTRIBUTES_V2}") if file.is_file() else {}


def refuse_links(folder: Path) -> None:
    """Refuse a store of which a file is a link, which may lead out of it.

    Raises
    ------
    UnsafeFileError
        If there is one.
    """
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            if (path := Path(place, name)).is_symlink():
                raise UnsafeFileError(
                    f"{path} is a symbolic link; it could lead out of the store. Copy the store with "
                    f"cp -rL, and add the copy."
                )


def refuse_unsafe_arrays(folder: Path) -> None:
    """Refuse a store of which an array is coded in a way that is not known to be harmless.

    Raises
    ------
    UnsupportedEncodingError
        If an array has another codec than those of anndata and of zarr's own.
    NotAnH5adError, UnsafeFileError
        If what describes an array is no JSON, or is larger than any such description.
    """
    for file in sorted(path for name in _NAMES for path in folder.rglob(name)):
        place = file.relative_to(folder).as_posix()
        for codec in _codecs(_read(file, place), place):
            if codec.removeprefix("numcodecs.") not in _CODECS:
                raise UnsupportedEncodingError(
                    f"{place} is coded with {codec[:60]!r}, which is not read. Write the dataset again with "
                    f"AnnData.write_zarr, or as h5ad."
                )


def _read(file: Path, place: str) -> dict[str, Any]:
    if file.stat().st_size > _MAX_BYTES:
        raise UnsafeFileError(f"{place} has more than {_MAX_BYTES:,} bytes. Write the dataset again.")
    try:
        content = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise NotAnH5adError(f"{place} is not JSON ({str(error)[:80]}). Copy the store again.") from error
    if not isinstance(content, dict):
        raise NotAnH5adError(f"{place} is no JSON object. Copy the store again.")
    return content


def _codecs(content: dict[str, Any], place: str) -> list[str]:
    """Name all codecs of an array, of both versions of zarr; those within a sharding codec too."""
    found: list[str] = []
    pending = [content.get("compressor"), content.get("filters"), content.get("codecs")]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            name = item.get("id", item.get("name"))
            if not isinstance(name, str):
                raise NotAnH5adError(f"{place} has a codec without name. Copy the store again.")
            found.append(name)
            configuration = item.get("configuration")
            if isinstance(configuration, dict):
                pending += [configuration.get("codecs"), configuration.get("index_codecs")]
        elif isinstance(item, str):
            found.append(item)
    return found
