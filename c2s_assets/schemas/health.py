"""What the report on the health of the lake must look like."""

from typing import ClassVar

import pandera.polars as pr
import polars as pl

from c2s_assets.schemas.columns import column

_NOT_EMPTY = {"min_value": 1}
_OF_DISCOVER = "if it is none of CELLxGENE Discover"


class Health(pr.DataFrameModel):
    """One row per dataset that the lake holds or is to hold: how it stands, since when, and why."""

    dataset_id: str = column("Key of the dataset in this lake.", str_length=_NOT_EMPTY)
    standing: str = column(
        "built: all is as it should be; revised: Discover lists another version; or not fetched, never "
        "built, incomplete, outdated, refused, cannot be read, waits, being built.",
        str_length=_NOT_EMPTY,
    )
    listed_version: str = column("Version that Discover lists now.", null=_OF_DISCOVER)
    held_version: str = column("Version of the source file in the lake.", null=f"{_OF_DISCOVER}, or not held")
    stale_since: str = column(
        "When a report first found it not as it should be, ISO 8601 in UTC.", null="of what is built"
    )
    hours_stale: pl.Float32 = column("Hours from then to this report.", null="of what is built", ge=0)
    size_bytes: int = column("Bytes of its source and of its tables, as far as they are built.", ge=0)
    last_run: str = column("How its last run stands.", null="if there was none, or it was removed")
    last_run_at: str = column("When that began, ISO 8601 in UTC.", null="if it has not begun")
    last_failure: str = column("What its last run failed by.", null="if it did not fail")
    next_try_at: str = column(
        "When its next run is due, ISO 8601 in UTC.",
        null="unless it rests after a failure: a file of the inbox, or a version of Discover",
    )
    outdated: pl.List = column("Tables that are outdated or missing.", items=pl.String())
    why: pl.List = column("Why, in words.", items=pl.String())

    class Config:
        """Nothing else belongs into it."""

        strict = True
        unique: ClassVar = ["dataset_id"]
