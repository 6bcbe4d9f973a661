"""`c2s path`, `c2s sync` and `c2s gc`: where lakes and tables are, and what is in a bucket for nothing."""

from datetime import UTC, datetime, timedelta

from c2s_assets.cli.printing import say
from c2s_assets.core.errors import C2SError
from c2s_assets.core.ids import check_dataset_id
from c2s_assets.storage.lake.layout import Layout

_MEGABYTE = 2**20
_DAYS = 7


def show_path(layout: Layout, dataset_id: str, table: str) -> int:
    """Print where a table that is built is: its file, or its folders."""
    from c2s_assets.storage.choosing import present_record
    from c2s_assets.storage.lake.places import places_of_table

    built = present_record(layout, check_dataset_id(dataset_id), table)
    for place in places_of_table(layout, dataset_id, built):
        say(place)
    return 0


def sync(source: str, target: str) -> int:
    """Copy a lake, and print what was copied."""
    from c2s_assets.storage.lake.locating import find_lake
    from c2s_assets.storage.lake.syncing import sync_lake

    ours, theirs = find_lake(source), find_lake(target)
    ours.require()
    if ours.root == theirs.root:
        raise C2SError(f"{source} and {target} are one lake. Name another place.")
    n_bytes = 0
    for done in sync_lake(ours, theirs):
        n_bytes += done.n_bytes
        if done.n_places:
            say(f"{done.unit:<48}{done.n_places:>4} copied{done.n_bytes / _MEGABYTE:>12,.1f} MB")
    say(f"{target} holds what {source} does; {n_bytes / _MEGABYTE:,.1f} MB were copied")
    return 0


def collect_garbage(layout: Layout, *, is_removed: bool) -> int:
    """Say what is in the bucket for nothing, and since when; remove what has been for a week."""
    from c2s_assets.storage.lake.collecting import collect
    from c2s_assets.storage.lake.working_copy import working_copy_of

    copy = working_copy_of(layout)
    if copy is None:
        raise C2SError(
            f"{layout.root} is a folder, in which nothing is left behind. This is for lakes in buckets."
        )
    found = collect(copy.bucket, now=datetime.now(UTC), age=timedelta(days=_DAYS), is_removed=is_removed)
    done = "were removed" if is_removed else "would be removed: add --yes"
    say(f"{found.n_orphans:,} objects are named by nothing, {found.n_bytes / _MEGABYTE:,.1f} MB")
    say(f"{found.n_doomed:,} of them for more than {_DAYS} days; they {done}")
    return 0
