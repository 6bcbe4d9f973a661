"""The page that lists the datasets of the lake: how each stands, and why."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from c2s_assets.core.pages.addresses import HEALTH, page_address
from c2s_assets.core.pages.markup import PageLink, page, paragraph, table, title
from c2s_assets.core.reports.counts import some_of
from c2s_assets.core.runs.health import REFUSED
from c2s_assets.defs.service import DatasetStatus, list_datasets
from c2s_assets.schemas.registry import REPORT
from c2s_assets.storage.dataset import AssetState
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.room import free_bytes

NEVER_BUILT = "never built"
_STYLES = {"built": "ok", REFUSED: "bad", "cannot be read": "bad", NEVER_BUILT: "grey", "waits": "grey"}
# How the last run of a dataset stands, where it has not ended.
_UNDER_WAY = {
    "queued": "waits",
    "not_started": "waits",
    "starting": "being built",
    "started": "being built",
    "canceling": "being built",
}
MOST_NAMED = 5
# A date that goes on in the next line is hard to read.
_UNBROKEN = str.maketrans({" ": "\N{NO-BREAK SPACE}", "-": "\N{NON-BREAKING HYPHEN}"})


def overview(instance: dg.DagsterInstance, layout: Layout) -> str:
    """Write the page, of the datasets as they stand now."""
    statuses = list_datasets(instance, layout)
    standings = [standing(status) for status in statuses]
    counts = {kind: standings.count(kind) for kind in sorted(set(standings))}
    said = ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
    return page(
        "Datasets",
        [
            title("Datasets"),
            f"<p>{PageLink('The Dagster UI', '/')} builds them. "
            f"{PageLink('Health', HEALTH)}: what is stale, since when and why.</p>",
            paragraph(f"{len(statuses):,} in {layout.root}" + (f": {said}" if said else ""), style="grey"),
            paragraph(as_of(datetime.now(UTC)), style="grey"),
            paragraph(_room(statuses, layout), style="grey"),
            table(
                ["dataset", "stands", "tables", "MB", "last run", "why"],
                [_row(status, kind, layout) for status, kind in zip(statuses, standings, strict=True)],
                styles=[_STYLES.get(kind, "warn") for kind in standings],
            ),
        ],
    )


def as_of(now: datetime) -> str:
    """Say when a page was written, which may be a while ago."""
    return f"As of {now.astimezone():%Y-%m-%d %H:%M:%S %Z}."


def standing(status: DatasetStatus) -> str:
    """Say in a word or two how a dataset stands: what is being done about it, or the worst of what is so."""
    if status.states is None:
        return "cannot be read"
    kind = _worst(status)
    return kind if kind == "built" else _UNDER_WAY.get(status.last_run or "", kind)


def _worst(status: DatasetStatus) -> str:
    wanted = [state for state in (status.states or {}).values() if state.is_wanted]
    if any(state.refused is not None for state in wanted):
        return REFUSED
    kinds = {state.standing for state in wanted}
    if kinds == {"missing"}:
        return NEVER_BUILT
    if "missing" in kinds:
        return "incomplete"
    return "outdated" if "outdated" in kinds else "built"


def _room(statuses: Sequence[DatasetStatus], layout: Layout) -> str:
    n_bytes = sum(status.size_bytes for status in statuses)
    return f"{n_bytes / 2**20:,.1f} MB; {free_bytes(layout) / 2**20:,.0f} MB are free on the disk"


def _row(status: DatasetStatus, kind: str, layout: Layout) -> Sequence[object]:
    states = (status.states or {}).values()
    n_built = sum(state.standing == "built" for state in states)
    is_refused = any(state.refused is not None for state in states)
    last = "none" if status.last_run_at is None else f"{status.last_run}, {status.last_run_at:%Y-%m-%d %H:%M}"
    return (
        named(status.dataset_id, layout, is_refused=is_refused),
        kind,
        n_built,
        f"{status.size_bytes / 2**20:,.1f}",
        last.translate(_UNBROKEN),
        "; ".join(dict.fromkeys(reasons(status))),
    )


def reasons(status: DatasetStatus) -> Iterator[str]:
    """Say why a dataset stands as it does: the first cause of each kind."""
    states = status.states or {}
    refused = [
        f"{name}: {state.refused.message}" for name, state in states.items() if state.refused is not None
    ]
    if refused:
        yield from refused
    elif status.problem:
        yield status.problem
    outdated = [
        f"{name}: {'; '.join(state.why)}" for name, state in states.items() if state.standing == "outdated"
    ]
    if outdated:  # of the others the first is the reason
        n_more = len(outdated) - 1
        yield outdated[0] + (f"; and {n_more} more for it" if n_more else "")
    missing = [name for name, state in states.items() if state.is_wanted and state.standing == "missing"]
    if missing and len(missing) < sum(state.is_wanted for state in states.values()) and not refused:
        yield f"not built: {some_of(missing, most=MOST_NAMED)}"
    if broken := dict.fromkeys(claim for state in states.values() for claim in _broken_claims(state)):
        yield f"checks do not hold: {some_of(list(broken), most=MOST_NAMED)}"


def named(dataset_id: str, layout: Layout, *, is_refused: bool) -> PageLink | str:
    """Name a dataset, with a link to its page if it has one."""
    has_page = is_refused or layout.dataset_page(dataset_id).exists()
    return PageLink(dataset_id, page_address(dataset_id)) if has_page else dataset_id


def _broken_claims(state: AssetState) -> Iterator[str]:
    if state.built is not None and state.asset != REPORT:  # which repeats those of the others
        yield from (check.claim for check in state.built.checks if check.holds is False)
