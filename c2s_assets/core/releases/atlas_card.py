"""The card of an atlas, and its licence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from c2s_assets.core.releases.atlas import LICENCE, REPORT, STRUCTURE, AtlasNames, names_of
from c2s_assets.core.releases.card import CARD
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.licences import describe_licence, read_licence
from c2s_assets.core.releases.sections import withdrawn
from c2s_assets.core.reports.markdown import front_matter, shown

# The default of `datasets` for a table without sides; `all` means every split there.
_SPLIT = "train"

_SAID_OF = {
    "expression": "One row per cell: `feature_index`, rows of the feature metadata that are not zero, and "
    "their `value`.",
    "expression_matrix": "One row per cell, one float32 column per feature; in no config, since the viewer "
    "shows 1,000 columns.",
    "sample_metadata": "One row per cell: its donor, its type, its age in years, all columns of the source.",
    "feature_metadata": "One row per feature: its symbol, its Ensembl id, in how many cells it is.",
    "unstructured_metadata": "What the source says beside its tables (`uns`).",
}


@dataclass(frozen=True)
class AtlasFile:
    """A file of an atlas; of a table its rows and columns."""

    path: str
    n_rows: int | None = None
    n_columns: int | None = None


@dataclass(frozen=True)
class AtlasFigures:
    """What the card of an atlas tells; of its licence, see core.releases.sources.Source."""

    dataset_id: str
    title: str
    licence: str | None
    licence_is_assumed: bool
    doi: str | None
    citation: str | None
    files: Sequence[AtlasFile]


def write_atlas_card(entry: ReleaseEntry, figures: AtlasFigures) -> dict[str, str]:
    """Write the card of an atlas and its licence, by path; the same figures give the same texts."""
    return {CARD: _card(names_of(entry), entry, figures), LICENCE: _licence(entry, figures)}


def _card(names: AtlasNames, entry: ReleaseEntry, figures: AtlasFigures) -> str:
    tables = {names.table_of(file.path): file for file in figures.files if file.path.endswith(".parquet")}
    configs = [
        _config(table, file.path, is_default=file.path == names.cells)
        for table, file in tables.items()
        if "/" not in file.path
    ]
    head = {
        **(read_licence(entry.licence).on_the_hub if entry.licence is not None else {}),
        "pretty_name": figures.title,
        "tags": ["biology", "single-cell", "transcriptomics"],
        "configs": configs,
    }
    return front_matter(head) + _text(names, entry, figures)


def _licence(entry: ReleaseEntry, figures: AtlasFigures) -> str:
    """Say which licence it is, where its text is, and whose work it is of."""
    if entry.licence is None:
        return "No licence was stated, so that nobody may use these files.\n"
    address = read_licence(entry.licence).address
    lines = [f"{figures.title} is published under the licence {entry.licence}."]
    lines += [f"Its text: {address}"] if address is not None else []
    lines += [f"Licence of the source: {_licence_of_source(figures)}."]
    lines += [f"Publication: https://doi.org/{figures.doi}"] if figures.doi is not None else []
    return "\n".join([*lines, ""])


def _licence_of_source(figures: AtlasFigures) -> str:
    return describe_licence(figures.licence, is_assumed=figures.licence_is_assumed)


def _config(table: str, path: str, *, is_default: bool) -> dict[str, Any]:
    default = {"default": True} if is_default else {}
    return {"config_name": table, **default, "data_files": [{"split": _SPLIT, "path": path}]}


def _text(names: AtlasNames, entry: ReleaseEntry, figures: AtlasFigures) -> str:
    licence = _shown(_licence_of_source(figures))
    return f"""# {_shown(figures.title)}

All tables of one single-cell dataset. Where there is one row per cell, the cells are the same and in the same
order, and `cell_id` names them; no file has an index of pandas.

| file | rows | columns | what |
| --- | --- | --- | --- |
{_rows(names, figures.files)}

```python
from datasets import load_dataset

cells = load_dataset("{entry.repo_id}", "sample_metadata", split="{_SPLIT}")
```

```python
import pandas as pd
from huggingface_hub import snapshot_download

folder = snapshot_download("{entry.repo_id}", repo_type="dataset")
cells = pd.read_parquet(f"{{folder}}/{names.cells}").set_index("cell_id")
features = pd.read_parquet(f"{{folder}}/{names.features}")
```

The expression of all cells, as a matrix of cells by rows of the feature metadata:

```python
import numpy as np
import polars as pl
from scipy.sparse import csr_array

rows = pl.read_parquet(f"{{folder}}/{names.expression}")
ends = np.concatenate([[0], rows["feature_index"].list.len().cum_sum()])
expression = csr_array(
    (rows["value"].explode().drop_nulls(), rows["feature_index"].explode().drop_nulls(), ends),
    shape=(rows.height, len(features)),
)
```
{_wide_text(names, figures.files)}
## Source

Who uses this cites its publication, and keeps to its licence.

| dataset | licence | publication | citation |
| --- | --- | --- | --- |
| {figures.dataset_id} | {licence} | {_shown(figures.doi)} | {_shown(figures.citation)} |
{_withdrawn_text(entry)}"""


def _rows(names: AtlasNames, files: Sequence[AtlasFile]) -> str:
    return "\n".join(
        f"| `{path}` | {_count(n_rows)} | {_count(n_columns)} | {_said_of(names, path)} |"
        for path, n_rows, n_columns in _without_parts(files)
    )


def _without_parts(files: Iterable[AtlasFile]) -> list[tuple[str, int | None, int | None]]:
    """List files, and in place of all parts of a table their folder."""
    grouped: dict[str, list[AtlasFile]] = {}
    for file in files:
        grouped.setdefault(file.path.rpartition("/")[0] or file.path, []).append(file)
    return [
        (
            path,
            None if parts[0].n_rows is None else sum(part.n_rows or 0 for part in parts),
            parts[0].n_columns,
        )
        for path, parts in grouped.items()
    ]


def _said_of(names: AtlasNames, path: str) -> str:
    if path in (STRUCTURE, REPORT):
        return "Every element of the source file." if path == STRUCTURE else "Every check, with its figures."
    table = names.table_of(path)
    return _SAID_OF.get(table, f"One row per cell: its coordinates in `{table.removeprefix('projection_')}`.")


def _wide_text(names: AtlasNames, files: Sequence[AtlasFile]) -> str:
    if not any(file.path.startswith(f"{names.wide}/") for file in files):
        return ""
    return f"""
The wide form, of which a few columns are read in little memory:

```python
wide = pd.read_parquet(f"{{folder}}/{names.wide}", columns=["cell_id", features["symbol"][0]])
```
"""


def _withdrawn_text(entry: ReleaseEntry) -> str:
    said = withdrawn(entry.yanked)
    return f"\n{said}\n" if said else ""


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _shown(text: str | None) -> str:
    return "not stated" if text is None else shown(text, longest=300)
