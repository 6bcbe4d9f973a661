"""What CELLxGENE Discover lists, as tables: one row per dataset, one per collection.

New fields are ignored, and missing or null ones are null. A field that is there but is not what it should
be makes its record malformed: it is set aside with the reason, and all others go on.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any

import polars as pl
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from c2s_assets.core.cells.donors import count_known_donors
from c2s_assets.core.columns import (
    DATASET_ID,
)
from c2s_assets.core.discover.assets import h5ad_asset
from c2s_assets.core.emails import without_emails
from c2s_assets.core.errors import InvalidDatasetIdError
from c2s_assets.core.ids import check_dataset_id

DATASET_VERSION_ID = "dataset_version_id"
COLLECTION_ID = "collection_id"
CELL_COUNT = "cell_count"
H5AD_URL = "h5ad_url"
H5AD_SIZE_BYTES = "h5ad_size_bytes"
SCHEMA_VERSION = "schema_version"
# How often running a dataset was missing from the listing; 0 where it is in the last one.
N_ABSENT = "n_absent"

_QUARANTINE_SCHEMA = {"position": pl.Int64, "id": pl.String, "why": pl.String}


@dataclass(frozen=True)
class Listed:
    """Records as a table, in order of their id, and those that were set aside.

    Attributes
    ----------
    rows
        One row per record that is well formed.
    quarantined
        `position` of the record in the listing, its `id` if it has one, and `why` it was set aside.
    """

    rows: pl.DataFrame
    quarantined: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_QUARANTINE_SCHEMA))


def tabulate_datasets(records: Iterable[object], *, schema: pl.Schema) -> Listed:
    """Make a table of what `/curation/v1/datasets` answers.

    Parameters
    ----------
    schema
        The columns to make, those of schemas.discover.Listing.
    """
    return _tabulate(records, _dataset_row, key=DATASET_ID, schema=schema)


def tabulate_collections(records: Iterable[object], *, schema: pl.Schema) -> Listed:
    """Make a table of what `/curation/v1/collections` answers.

    Who is to be contacted is left out, and so is every e-mail address in a text.

    Parameters
    ----------
    schema
        The columns to make, those of schemas.discover.Collections.
    """
    return _tabulate(records, _collection_row, key=COLLECTION_ID, schema=schema)


def _checked_id(value: str) -> str:
    try:
        return check_dataset_id(value)
    except InvalidDatasetIdError as error:
        raise ValueError(str(error)) from error


def _listed(value: object) -> object:
    return [] if value is None else value


def _labels(value: object) -> object:
    """Take the labels of `[{label, ontology_term_id}]`; a term without a label is named by its id."""
    if not isinstance(value, list):
        return _listed(value)
    return [
        item.get("label") or item.get("ontology_term_id") if isinstance(item, dict) else item
        for item in value
        if item is not None
    ]


def _sorted(values: list[str | None]) -> list[str]:
    return sorted({value for value in values if value})


def _day(value: object) -> object:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("it should be a time, as text")  # noqa: TRY004  pydantic collects only this one
    return datetime.fromisoformat(value).date()


def _storable(text: str) -> str:
    text.encode()  # half of a surrogate pair is no text, and fails here rather than in the table
    return text


def _plain(text: str | None) -> str | None:
    return without_emails(text).strip() or None if text is not None else None


_Id = Annotated[str, AfterValidator(_checked_id)]
_String = Annotated[str, AfterValidator(_storable)]
_Text = Annotated[_String | None, AfterValidator(_plain)]
_Count = Annotated[int | None, Field(ge=0, le=2**53)]
_Day = Annotated[date | None, BeforeValidator(_day)]
_Labels = Annotated[list[_String | None], BeforeValidator(_labels), AfterValidator(_sorted)]
_Names = Annotated[list[_String | None], BeforeValidator(_listed), AfterValidator(_sorted)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


class _Dataset(_Record):
    dataset_id: _Id
    dataset_version_id: _Id
    collection_id: _Id
    collection_name: _Text = None
    title: _Text = None
    cell_count: _Count = None
    primary_cell_count: _Count = None
    mean_genes_per_cell: float | None = Field(default=None, ge=0, le=1e9)
    organism: _Labels = []
    tissue: _Labels = []
    assay: _Labels = []
    disease: _Labels = []
    sex: _Labels = []
    development_stage: _Labels = []
    cell_type: _Labels = []
    self_reported_ethnicity: _Labels = []
    suspension_type: _Names = []
    donor_id: _Names = []
    is_primary_data: Annotated[list[bool], BeforeValidator(_listed), AfterValidator(sorted)] = []
    schema_version: _Text = None
    published_at: _Day = None
    revised_at: _Day = None
    explorer_url: _String | None = None
    collection_doi: _Text = None
    assets: Annotated[list[dict[str, Any]], BeforeValidator(_listed)] = []


class _Author(_Record):
    family: _Text = None
    given: _Text = None
    name: _Text = None

    def __str__(self) -> str:
        return self.name or ", ".join(part for part in (self.family, self.given) if part)


class _Publisher(_Record):
    journal: _Text = None
    published_year: int | None = Field(default=None, ge=1000, le=9999)
    is_preprint: bool | None = None
    authors: Annotated[list[_Author], BeforeValidator(_listed)] = []


class _Collection(_Record):
    collection_id: _Id
    name: _Text = None
    description: _Text = None
    doi: _Text = None
    consortia: _Names = []
    publisher_metadata: _Publisher | None = None
    published_at: _Day = None
    revised_at: _Day = None


def _dataset_row(record: Mapping[str, Any]) -> dict[str, object]:
    found = _Dataset.model_validate(record)
    h5ad = h5ad_asset(record)
    return {
        **found.model_dump(exclude={"assets", "collection_doi"}),
        "n_donors": count_known_donors(found.donor_id),
        "doi": found.collection_doi,
        H5AD_URL: h5ad.url if h5ad else None,
        H5AD_SIZE_BYTES: h5ad.size_bytes if h5ad else None,
        N_ABSENT: 0,
    }


def _collection_row(record: Mapping[str, Any]) -> dict[str, object]:
    found = _Collection.model_validate(record)
    publisher = found.publisher_metadata or _Publisher()
    return {
        **found.model_dump(exclude={"publisher_metadata"}),
        **publisher.model_dump(exclude={"authors"}),
        "authors": [name for author in publisher.authors if (name := str(author))],
    }


def _tabulate(
    records: Iterable[object],
    row_of: Callable[[Mapping[str, Any]], dict[str, object]],
    *,
    key: str,
    schema: pl.Schema,
) -> Listed:
    rows: dict[str, dict[str, object]] = {}
    quarantined: list[tuple[int, str | None, str]] = []
    for position, record in enumerate(records):
        if not isinstance(record, dict):
            quarantined.append((position, None, f"it is {_shown(record)}, not an object"))
            continue
        try:
            row = row_of(record)
        except ValidationError as error:
            quarantined.append((position, _readable_id(record.get(key)), _describe(error)))
            continue
        if row[key] in rows:
            quarantined.append((position, str(row[key]), f"its {key} was listed before"))
        else:
            rows[str(row[key])] = row
    # Discover promises no order, and the same listing is to give the same bytes.
    table = pl.DataFrame([rows[key] for key in sorted(rows)], schema=schema)
    return Listed(table, pl.DataFrame(quarantined, schema=_QUARANTINE_SCHEMA, orient="row"))


def _readable_id(value: object) -> str | None:
    return _shown(value)[:130] if isinstance(value, str) else None


def _describe(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ").removesuffix(".")
    if problem["type"] == "missing":
        return f"it has no {place}"
    return f"{place} is {_shown(problem['input'])}: {message[0].lower()}{message[1:]}"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    # A lone surrogate cannot be stored, nor printed.
    return text[:100].encode("utf-8", "backslashreplace").decode("utf-8")
