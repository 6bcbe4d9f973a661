"""What Discover lists, as the tables that are declared."""

from collections.abc import Iterable

from c2s_assets.core.discover.records import Listed, tabulate_collections, tabulate_datasets
from c2s_assets.schemas.arrow import frame_schema
from c2s_assets.schemas.discover import Collections, Listing


def list_datasets(records: Iterable[object]) -> Listed:
    """Make a table of records of datasets."""
    return tabulate_datasets(records, schema=frame_schema(Listing))


def list_collections(records: Iterable[object]) -> Listed:
    """Make a table of records of collections."""
    return tabulate_collections(records, schema=frame_schema(Collections))
