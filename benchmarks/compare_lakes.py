"""Tells which files of two lakes differ, and by what: for a change that must leave every table as it was.

``python benchmarks/compare_lakes.py lake_of_before lake_of_now``
"""

import hashlib
import sys
from pathlib import Path

import pyarrow.parquet as pq

# It holds versions of the code, which are to change.
_NOT_COMPARED = ("record.json",)


def compare(before: Path, now: Path) -> list[str]:
    """List the files of datasets that both lakes have and that differ, or that one of them lacks."""
    told = []
    for dataset in sorted((before / "datasets").iterdir()):
        names = {
            path.relative_to(root / "datasets")
            for root in (before, now)
            for path in (root / "datasets" / dataset.name).rglob("*")
            if path.is_file() and path.name not in _NOT_COMPARED
        }
        for name in sorted(names):
            pair = before / "datasets" / name, now / "datasets" / name
            if problem := _difference(*pair):
                told.append(f"{name}: {problem}")
    return told


def _difference(before: Path, now: Path) -> str | None:
    if not before.exists() or not now.exists():
        return "only before" if before.exists() else "only now"
    if _digest(before) == _digest(now):
        return None
    if before.suffix != ".parquet":
        return "differs"
    old, new = pq.read_table(before), pq.read_table(now)
    if old.schema.names != new.schema.names:
        changed = sorted(set(old.schema.names) ^ set(new.schema.names))
        return f"columns differ: {', '.join(changed) or 'their order'}"
    columns = [name for name in old.schema.names if not old[name].equals(new[name])]
    if columns:
        return f"values differ: {', '.join(columns)}"
    is_same = old.schema.equals(new.schema, check_metadata=True)
    return "encoding differs" if is_same else "equal values, and other words about them in the footer"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    """Compare the two lakes that are named."""
    before, now = map(Path, sys.argv[1:])
    told = compare(before, now)
    print("\n".join(told) or "every file of every dataset is the same")


if __name__ == "__main__":
    main()
