"""The listing of CELLxGENE Discover in the lake: its tables, and which datasets were withdrawn."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import polars as pl

from c2s_assets.core.columns import DATASET_ID
from c2s_assets.core.discover.listing import withdrawals
from c2s_assets.core.discover.records import COLLECTION_ID
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.tables.parquet import read_footer, read_table, with_metadata, write_table

_ETAG = "etag"


def read_listing(layout: Layout) -> pl.DataFrame | None:
    """Read the datasets as last listed, see schemas.discover.Listing; None if there was no listing yet."""
    return read_table(layout.listing) if layout.listing.exists() else None


def read_collections(layout: Layout) -> pl.DataFrame | None:
    """Read the collections as last listed, see schemas.discover.Collections; None without a listing."""
    return read_table(layout.collections) if layout.collections.exists() else None


def listed_collections(layout: Layout) -> Mapping[str, str]:
    """Return the collection of each dataset as last listed; nothing without a listing.

    Each dataset asks for it when it tells how it stands, so that it is read once.
    """
    try:
        found = layout.listing.stat()
    except FileNotFoundError:
        return {}
    return _collections_of(layout.listing, found.st_ino, found.st_mtime_ns)


def read_history(layout: Layout) -> pl.DataFrame | None:
    """Read every change of the listing, see schemas.discover.ListingHistory; None without a listing."""
    return read_table(layout.listing_history) if layout.listing_history.exists() else None


def known_etag(table: Path, *, origin: Mapping[str, str]) -> str | None:
    """Return the ETag that the server gave a table of the listing with; None if it is to be asked anew.

    Parameters
    ----------
    origin
        What the table must have been made with, as it was given to `stage_listing`: the ETag of another
        server, or of records that were read by other rules, says nothing.
    """
    if not table.exists():
        return None
    says = read_footer(table)
    etag = says.get(_ETAG)
    return etag if isinstance(etag, str) and origin.items() <= says.items() else None


def withdrawn_datasets(layout: Layout) -> frozenset[str]:
    """Name the datasets that Discover has withdrawn, whether the lake holds them or not.

    What the lake holds of them stays; catalogue and releases leave them out.
    """
    history = read_history(layout)
    return frozenset() if history is None else frozenset(withdrawals(history))


def listing_state(layout: Layout) -> str:
    """Name the present state of the listing, the settings, the code, the sources and what was made of them.

    A file that is put into a folder, replaced or removed changes the time of the folder, so that of each
    dataset the folder alone is looked at.
    """
    built = sorted(layout.datasets.iterdir()) if layout.datasets.is_dir() else []
    state = [f"{name} {declared.code_version}" for name, declared in TABLES.items()]
    for path in (layout.listing, layout.listing_history, layout.settings, layout.raw, *built):
        with suppress(FileNotFoundError):
            found = path.stat()
            state.append(f"{path.name} {found.st_ino} {found.st_size} {found.st_mtime_ns}")
    return hashlib.sha256("\n".join(state).encode()).hexdigest()


def stage_listing(
    staged: Stage,
    layout: Layout,
    *,
    listing: pl.DataFrame,
    collections: pl.DataFrame,
    history: pl.DataFrame,
    origin: Mapping[str, str],
    etags: Mapping[Path, str | None],
) -> list[Path]:
    """Write the three tables of a listing beside those of the last; return the places to commit together.

    Parameters
    ----------
    origin
        What names the server and the rules that its records were read by.
    etags
        Of tables that hold all that the server sent under it.
    """
    # pandera takes two seconds to import, and who asks the catalogue reads only
    from c2s_assets.schemas.discover import Collections, Listing, ListingHistory  # noqa: PLC0415

    tables = {
        layout.listing: (listing, Listing),
        layout.collections: (collections, Collections),
        layout.listing_history: (history, ListingHistory),
    }
    for target, (rows, model) in tables.items():
        says = {"table": target.stem, **origin, _ETAG: etags.get(target)}
        schema = with_metadata(arrow_schema(model), says)
        write_table(staged.path(target), rows, schema=schema)
    return list(tables)


@lru_cache(maxsize=8)
def _collections_of(listing: Path, _inode: int, _mtime_ns: int) -> Mapping[str, str]:
    return dict(read_table(listing, columns=[DATASET_ID, COLLECTION_ID]).iter_rows())
