"""What of the split plan decides of each dataset, as a digest: another one, and its sides are others."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.shapes import present


def plan_marks(layout: Layout) -> Mapping[str, str]:
    """Return the mark of each dataset; none of a lake in which nothing was split yet."""
    try:
        found = layout.split_marks.stat()
    except FileNotFoundError:
        return {}
    return _read(layout.split_marks, found.st_ino, found.st_mtime_ns)


def write_marks(path: Path, marks: Mapping[str, str]) -> None:
    """Write the mark of each dataset, in order of ids."""
    path.write_text(f"{json.dumps(dict(sorted(marks.items())), indent=1)}\n", encoding="utf-8")


@lru_cache(maxsize=8)
def _read(path: Path, _inode: int, _mtime_ns: int) -> Mapping[str, str]:
    marks: dict[str, str] = json.loads(present(path).read_text(encoding="utf-8"))
    return marks
