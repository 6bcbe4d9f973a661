"""`c2s health`: what of the lake is stale, since when, and why."""

import json
from datetime import UTC, datetime
from typing import Any

from c2s_assets.cli.printing import remark, say
from c2s_assets.storage.lake.layout import Layout


def show_health(layout: Layout, *, as_json: bool) -> bool:
    """Print a line for each dataset that is stale, or all that is known of all as JSON, as it is now.

    Returns
    -------
    Whether none is stale for longer than the check of `health_report` allows.
    """
    from c2s_assets.core.runs.health import FRESH, STANDING, everything_is_fresh
    from c2s_assets.defs.health import look_at_health
    from c2s_assets.defs.service import open_instance

    with open_instance(layout) as instance:
        rows = look_at_health(instance, layout, now=datetime.now(UTC))
    finding = everything_is_fresh(rows)
    if as_json:
        say(json.dumps(rows.to_dicts(), indent=1, ensure_ascii=False))
        return finding.holds
    for row in rows.iter_rows(named=True):
        if row[STANDING] != FRESH:
            say(_line(row))
    (say if finding.holds else remark)(finding.message)
    return finding.holds


def _line(row: dict[str, Any]) -> str:
    tried = f"   next try: {row['next_try_at']}" if row["next_try_at"] else ""
    why = "; ".join(row["why"])
    return f"{row['dataset_id']:<40} {row['standing']} for {row['hours_stale']:.0f} h{tried}   {why}"
