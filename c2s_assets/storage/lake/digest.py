"""Digests of files and folders."""

import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(*paths: Path) -> str:
    """Return one SHA-256 of files and folders: of the names and contents of all their files, in order.

    A path that does not exist counts as empty.
    """
    digest = hashlib.sha256()
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path] if path.exists() else []
        for file in files:
            if file.is_file():
                name = file.relative_to(path.parent).as_posix()
                digest.update(f"{name}\0{file_digest(file)}\n".encode())
    return digest.hexdigest()
