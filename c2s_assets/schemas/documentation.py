"""docs/tables.md, made of the declarations of all tables, columns and documents: `make docs` writes it."""

from collections.abc import Iterable, Iterator, Sequence
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.catalogue import CATALOGUE
from c2s_assets.schemas.columns import DeclaredColumn, declared_columns, type_name
from c2s_assets.schemas.documents import DatasetProfile, Provenance, ValidationReport
from c2s_assets.schemas.health import Health
from c2s_assets.schemas.leaks import AuditedDatasets, CellCopies, DonorAliases
from c2s_assets.schemas.published import ReleaseSources, ReleaseVocabulary
from c2s_assets.schemas.record import Record
from c2s_assets.schemas.registry import TABLES, Declaration
from c2s_assets.schemas.tables import Table

_BEGINNING = """\
# Tables and columns

<!-- Made of the declarations in c2s_assets/schemas by `make docs`; a test compares. -->

Every table of a dataset is in `$C2S_LAKE/datasets/<dataset_id>/`; columns of the source stand beside
the declared ones, see [what the tables promise](../README.md#what-the-tables-promise). The same texts are
in the comments of the catalogue, in the Dagster UI and in the metadata of the columns of every Parquet
file (`pyarrow.parquet.read_schema(FILE).field("age").metadata`). A column that says nothing under *null*
always has a value.
"""
_TRAINING = """\
## The training table

What `c2s export training`, `open_lake().training()` and `from training` in `c2s query` give: of all
datasets one row per cell that is on a side, with the same columns of the same types. Beside these there
is `cell_sentence_<list>` for each gene list of `datasets.yaml`, and `source_columns`: all that only some
datasets have, as one JSON object. In SQL both are columns of their own, in `files.train_test`.
"""
_PLACES = {"file": "{}.parquet", "parts": "{}/part-*.parquet", "folder": "{}/*.parquet"}
_OF_LAKE: dict[str, tuple[str, Table]] = {
    "donor_aliases": ("catalogue/donor_aliases.parquet", DonorAliases),
    "cell_copies": ("catalogue/cell_copies/<dataset_id>.parquet", CellCopies),
    "audited_datasets": ("catalogue/audited_datasets.parquet", AuditedDatasets),
    "health_report": ("catalogue/health_report.parquet", Health),
}
_OF_RELEASES: dict[str, tuple[str, Table]] = {
    "sources": ("releases/<name>/sources.parquet", ReleaseSources),
    "vocabulary": ("releases/<name>/vocabulary.parquet", ReleaseVocabulary),
}
_DOCUMENTS: dict[str, tuple[str, type[BaseModel]]] = {
    "record.json": ("datasets/<dataset_id>/record.json", Record),
    "profile.json": ("datasets/<dataset_id>/profile.json", DatasetProfile),
    "validation_report.json": ("datasets/<dataset_id>/validation_report.json", ValidationReport),
    "Provenance of a source": ("raw/<dataset_id>.json", Provenance),
}

# Types of Python as those of JSON.
_JSON: dict[object, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    type(None): "null",
}


def tables_page() -> str:
    """Write the page, in Markdown."""
    parts = [
        _BEGINNING,
        _TRAINING + "\n" + _columns(CATALOGUE["training"].columns),
        "# Tables of a dataset\n",
        *(_table(declared) for declared in TABLES.values() if declared.model_name is not None),
        "# Tables of all datasets\n",
        *(_section(name, f"`{place}`", model) for name, (place, model) in _OF_LAKE.items()),
        "# Tables of a release\n\nBeside the training table, see [releases.md](releases.md).\n",
        *(_section(name, f"`{place}`", model) for name, (place, model) in _OF_RELEASES.items()),
        "# The catalogue\n\nWhat `c2s query` asks, see [queries.md](queries.md).\n",
        *(
            f"## {name}\n\n{table.description}\n\n{_columns(table.columns)}"
            for name, table in CATALOGUE.items()
            if name not in ("training", *_OF_LAKE)
        ),
        "# Documents\n",
        *(_document(name, place, model) for name, (place, model) in _DOCUMENTS.items()),
    ]
    return "\n".join(parts)


def _table(declared: Declaration) -> str:
    name = declared.name
    if declared.form == "sides":
        place = ", ".join(f"`{side}/chunk_*.parquet`" for side in SIDES)
    else:
        place = f"`{_PLACES[declared.form].format(name)}`"
    return _section(name, place, declared.model)


def _section(name: str, place: str, model: Table) -> str:
    columns = _columns(declared_columns(model).values())
    return f"## {name}\n\n{place}\n\n{_says(model)}\n\n{columns}"


def _columns(columns: Iterable[DeclaredColumn]) -> str:
    rows = [
        (f"`{one.name}`", type_name(one.type), one.unit or "", one.null or "", one.says) for one in columns
    ]
    return _rows(("column", "type", "unit", "null", "meaning"), rows)


def _document(name: str, place: str, model: type[BaseModel]) -> str:
    return (
        f"## {name}\n\n`{place}`: {_says(model)}\n\n{_rows(('key', 'type', 'meaning'), list(_keys(model)))}"
    )


def _keys(model: type[BaseModel], *, below: str = "") -> Iterator[tuple[str, str, str]]:
    """List the keys of a document, those of its parts behind them."""
    for name, field in model.model_fields.items():
        place = f"{below}{name}"
        inner, kind, mark = _parts(field.annotation)
        yield f"`{place}`", kind, field.description or (_says(inner) if inner else "")
        if inner is not None:
            yield from _keys(inner, below=f"{place}{mark}.")


def _parts(annotation: Any) -> tuple[type[BaseModel] | None, str, str]:
    """Tell of a key the model of its parts, if any, its type in JSON, and how its path goes on."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is UnionType:
        parts = [_parts(one) for one in inner]
        model, _, mark = parts[0]
        return model, " or ".join(kind for _, kind, _ in parts), mark
    if origin in (list, tuple):
        model, kind, _ = _parts(inner[0])
        return model, f"list of {kind}", "[]"
    if origin is dict:
        model, kind, _ = _parts(inner[1])
        return model, f"object of {kind}", ".*"
    if origin is Literal:
        return None, "text", ""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, "object", ""
    return None, _JSON.get(annotation, "any"), ""


def _says(model: type[BaseModel] | Table) -> str:
    return " ".join((model.__doc__ or "").split())


def _rows(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    # What is neither in a cell of a table nor a tag of HTML to a reader of Markdown.
    escaped = ([cell.replace("|", "\\|").replace("<", "&lt;") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)
