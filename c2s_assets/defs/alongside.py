"""What comes from the network is fetched where it is asked for, not where datasets are built.

`Materialize all` of the UI takes the tables that all datasets share along with those of a dataset. Without a
network they would fail there, and whatever reads them would be skipped.
"""

from pathlib import Path

import dagster as dg

from c2s_assets.defs.publishing import Events, materialized, skip_checks
from c2s_assets.storage.lake.digest import tree_digest

_BACKFILL = "dagster/backfill"
_WHY = (
    "Nothing was fetched, and what was there stays: this run builds other assets as well, and those need no "
    "network. Materialize this asset alone to fetch it."
)


def is_alongside(context: dg.AssetExecutionContext) -> bool:
    """Whether a run builds other assets as well, or is a part of a backfill of such."""
    is_alone = context.job_def.asset_layer.executable_asset_keys == {context.asset_key}
    return not is_alone or _BACKFILL in context.run.tags


def keep(context: dg.AssetExecutionContext, *places: Path) -> Events:
    """Say that what is in these places stays as it is, so that nothing that is made of it is outdated.

    No check is made: what the last fetch found stays.
    """
    yield from skip_checks(context)
    yield materialized(tree_digest(*places), {"kept": dg.MetadataValue.text(_WHY)})
