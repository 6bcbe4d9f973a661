"""`c2s rm` and `c2s mv`: taking datasets out of the lake, and giving them another name."""

import sys

from c2s_assets.cli.printing import remark, say
from c2s_assets.core.errors import C2SError, ConfigError
from c2s_assets.core.settings_text import exclude_dataset
from c2s_assets.storage.lake.digest import files_of_tree
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.settings_file import change_settings, place_of_settings
from c2s_assets.storage.sources.removal import nothing_called, places_of, remove_dataset, rename_source

_STAYED = 1


def remove(layout: Layout, dataset_id: str, *, is_agreed: bool) -> int:
    """Take a dataset out of the lake and out of Dagster; asks first, unless told not to.

    A dataset of CELLxGENE Discover that is selected is excluded, or it would be fetched again.
    """
    from c2s_assets.defs.service import open_instance, unregister

    places = places_of(layout, dataset_id)
    with open_instance(layout) as instance:
        if not places and not unregister(instance, dataset_id):
            raise nothing_called(layout, dataset_id)
        if places:
            n_bytes = sum(file.stat().st_size for place in places for file in files_of_tree(place))
            for place in places:
                say(f"  {place}")
            if not is_agreed and not _agrees(f"Remove these, {n_bytes / 2**20:,.1f} MB? [y/N] "):
                say("Nothing was removed.")
                return _STAYED
            _exclude(layout, dataset_id)
            remove_dataset(layout, dataset_id)
            unregister(instance, dataset_id)
    say(f"{dataset_id} is removed. The next c2s query leaves it out.")
    return 0


def rename(layout: Layout, old: str, new: str) -> None:
    """Give a dataset another name; what was built of it has to be built again under the new one."""
    from c2s_assets.defs.service import open_instance, register, unregister
    from c2s_assets.storage.splits.plan import rename_in_plan

    with open_instance(layout) as instance:
        rename_source(layout, old, new)
        rename_in_plan(layout, old, new)
        unregister(instance, old)
        register(instance, new)
    if old in read_settings(layout).datasets:
        remark(f"c2s: {place_of_settings(layout)} has an entry for {old}. Rename it there as well.")
    say(f"{old} is called {new} now. Every table says which dataset it is of: c2s build {new}")


def _agrees(question: str) -> bool:
    if not sys.stdin.isatty():
        raise C2SError("there is nobody to ask. Add --yes to remove without a question.")
    return input(question).strip().lower() in ("y", "yes")


def _exclude(layout: Layout, dataset_id: str) -> None:
    """Keep a dataset that Discover offers, and that is selected, from being fetched again."""
    from c2s_assets.core.discover.selection import offer_of
    from c2s_assets.storage.sources.listing import read_listing

    listing = read_listing(layout)
    try:
        selection = read_settings(layout).cellxgene
    except ConfigError:
        return  # while it is wrong nothing is fetched
    if listing is None or offer_of(listing, selection, dataset_id=dataset_id) is None:
        return
    change_settings(layout, lambda text: exclude_dataset(text, dataset_id))
    say(f"{place_of_settings(layout)} excludes it now, or it would be fetched again.")
