"""Changes of a staged release that a check has to find: numbers and labels, one at a time."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument, ReleaseFile
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.documents import read_document, write_document

# How many changes, in which files, and what of a text they change; of a table, any value.
Kind = tuple[int, str, str | None]


def unseen_changes(
    folder: Path, seed: str, kind: Kind, problems: Callable[[Path], list[str]]
) -> Iterator[str]:
    """Make changes of a kind, and name those with which there are no problems."""
    n_changes, place, pattern = kind
    draw, files = random.Random(seed), sorted(folder.glob(place))  # noqa: S311  not for secrets
    for _ in range(n_changes):
        path = draw.choice(files)
        with spoilt(path):
            what = change_value(draw, path) if pattern is None else change_text(draw, path, pattern)
            if not problems(folder):
                yield what


@contextmanager
def spoilt(path: Path) -> Iterator[None]:
    """Let a file be changed, and put it back."""
    content = path.read_bytes()
    yield
    path.write_bytes(content)


def change_text(draw: random.Random, path: Path, pattern: str) -> str:
    """Replace a letter or digit in one place that a pattern finds."""
    text = path.read_text(encoding="utf-8")
    found = draw.choice(list(re.finditer(pattern, text)))
    at = draw.randrange(found.start(), found.end())
    others = "0123456789" if text[at].isdigit() else "abcdefgh"
    new = draw.choice([letter for letter in others if letter != text[at].lower()])
    path.write_text(f"{text[:at]}{new}{text[at + 1 :]}", encoding="utf-8")
    return f"{path.name}: {text[at - 20 : at + 20]!r} with {new!r}"


def change_value(draw: random.Random, path: Path, columns: list[str] | None = None) -> str:
    """Change one value of a table, which stays a table of the same columns."""
    table = pq.read_table(path)
    name = draw.choice(columns or table.column_names)
    values = table[name].to_pylist()
    row = draw.randrange(len(values))
    values[row] = another(values[row], table.schema.field(name).type)
    at = table.schema.get_field_index(name)
    column = pa.array(values, table.schema.field(name).type)
    pq.write_table(table.set_column(at, table.schema.field(name), column), path, write_page_index=True)
    return f"{path.parent.name}/{path.name}: row {row} of {name}"


def another(value: Any, kind: Any) -> Any:
    """Return another value of a type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, list):
        return [*value, *value] or [another(None, kind.value_type)]
    if value is None:
        return [] if pa.types.is_list(kind) else {"string": "x", "bool": True}.get(str(kind), 1)
    return f"{value}x"


def rewrite_document(folder: Path) -> None:
    """Make the document agree with the files, as only somebody who means to could."""
    document = read_document(folder / RELEASE_DOCUMENT, ReleaseDocument)
    files = {
        path: ReleaseFile(size_bytes=(folder / path).stat().st_size, sha256=file_digest(folder / path))
        for path in document.files
    }
    write_document(folder / RELEASE_DOCUMENT, document.model_copy(update={"files": files}))
