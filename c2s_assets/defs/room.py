"""What the build of a dataset needs on the disk, stated by the first of its steps before that begins."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
from dagster import DagsterEventType

from c2s_assets.defs.resources import Store
from c2s_assets.schemas.registry import RAW, TABLES
from c2s_assets.storage.holdings import due_tables
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.room import rebuilding_bytes, require_room

_Step = Callable[..., Iterator[Any]]


def where_there_is_room(function: _Step) -> _Step:
    """Let the first step of a run begin only where there is room for all that the run builds.

    Of a run that is refused so, the steps that do not wait for the first are refused likewise. `raw_h5ad`
    looks for itself: it alone knows whether a source is to come.
    """
    if function.__name__ == RAW:
        return function

    @functools.wraps(function)
    def checked(context: dg.AssetExecutionContext, *args: object, **kwargs: Any) -> Iterator[Any]:
        if not _has_made_something(context):
            store: Store = kwargs["store"]
            needed = rebuilding_bytes(store.layout, context.partition_key, _tables(context, store))
            state_room(context, store.layout, needed)
        yield from function(context, *args, **kwargs)

    return checked


def state_room(context: dg.AssetExecutionContext, layout: Layout, needed: int) -> None:
    """State what a build needs on the disk; where that is not there it does not begin, see `require_room`."""
    free = require_room(layout, needed, what="its build")
    context.log.info(f"its build needs about {needed / 2**20:,.0f} MB, {free / 2**20:,.0f} MB are free")


def _has_made_something(context: dg.AssetExecutionContext) -> bool:
    """Whether a step of the run has succeeded."""
    asked = {"of_type": DagsterEventType.STEP_SUCCESS, "limit": 1}
    return bool(context.instance.get_records_for_run(context.run.run_id, **asked).records)


def _tables(context: dg.AssetExecutionContext, store: Store) -> list[str]:
    """Name what the run builds of the dataset: what it was asked for, or else all that is due."""
    selected = context.run.asset_selection
    if selected is None:
        return due_tables(store.dataset(context.partition_key))
    return [name for name in TABLES if dg.AssetKey(name) in selected]
