"""`c2s split` and `c2s audit`: the plan of the split, and the proof that nothing leaks."""

from typing import TYPE_CHECKING

from c2s_assets.cli.loading import load_definitions
from c2s_assets.cli.printing import remark, say
from c2s_assets.core.errors import C2SError
from c2s_assets.schemas.registry import CELLS, MANIFEST, SIDES_OF_DATASET, SPLIT_PLAN
from c2s_assets.storage.lake.layout import Layout

if TYPE_CHECKING:
    from c2s_assets.defs.service import BuildReport

_LEAKS = 1
_MOST_LINES = 20


def show_plan(layout: Layout) -> None:
    """Say how many persons are on which side, since which version of the plan, and who is in quarantine."""
    from c2s_assets.core.splits.plan import QUARANTINED_FOR, sides_by_version, version_of
    from c2s_assets.storage.splits.plan import read_plan

    plan = read_plan(layout)
    if plan.is_empty():
        say("Nothing is split yet.")
        return
    major, minor = version_of(plan)
    say(f"split plan {major}.{minor}, {plan.height:,} persons")
    for decided, side, n_persons, n_cells in sides_by_version(plan).iter_rows():
        say(f"  {side:<14}{n_persons:>9,} persons {n_cells:>13,} cells   decided in version {decided}")
    _list(plan.drop_nulls(QUARANTINED_FOR)["reason"].to_list(), "in quarantine")


def replan(layout: Layout, *, is_applied: bool) -> None:
    """Make the whole plan anew: show what would move or, if told to, let it take the place of the last."""
    from c2s_assets.core.splits.plan import moved_donors, version_of
    from c2s_assets.storage.holdings import datasets_where
    from c2s_assets.storage.lake.alone import alone
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.splits.plan import put_whole_plan, read_plan
    from c2s_assets.storage.splits.plan import replan as make_anew

    settings = read_settings(layout)
    with alone(layout, SPLIT_PLAN):
        before = read_plan(layout)
        after = make_anew(layout, datasets_where(layout, settings, {CELLS: "built"}))
        moved = moved_donors(before, after)
        say(f"{moved.height:,} of {before.height:,} persons would be on another side:")
        _list([f"{uid}: {_side(old)} -> {_side(new)}" for uid, old, new in moved.iter_rows()], "donors")
        if not is_applied:
            say("Nothing was changed. To apply it: c2s split --replan --apply")
            return
        put_whole_plan(layout, after, spec=settings.split)
    say(f"The plan is version {version_of(after)[0]}.0 now. Sides that it changes are built by: c2s audit")


def audit(layout: Layout) -> int:
    """Renew the plan, build what it changes, and search all written sides for leaks; 1 if one is left."""
    defs = load_definitions()
    from c2s_assets.cli.building import print_report
    from c2s_assets.defs.automation.audit import audit_leaks, renew_plan
    from c2s_assets.defs.service import build, open_instance, run_job
    from c2s_assets.storage.dataset import Standing
    from c2s_assets.storage.holdings import datasets_where
    from c2s_assets.storage.lake.documents import read_settings

    with open_instance(layout) as instance:
        _print(run_job(instance, defs, renew_plan.name))
        has_other_sides: dict[str, Standing] = {CELLS: "built", MANIFEST: "outdated"}
        for dataset in datasets_where(layout, read_settings(layout), has_other_sides):
            remark(f"c2s: {dataset.dataset_id} has other sides now ...")
            report = build(instance, defs, dataset.dataset_id, assets=[MANIFEST, SIDES_OF_DATASET])
            if not report.succeeded:
                print_report(dataset.dataset_id, report, layout)
        found = run_job(instance, defs, audit_leaks.name)
        _print(found)
    return 0 if found.succeeded else _LEAKS


def _print(report: "BuildReport") -> None:
    for step in report.steps:
        if step.problem is None:
            counts = {name: n for name, n in step.figures.items() if name.startswith("n_")}
            shown = [f"{n:,} {name.removeprefix('n_').replace('_', ' ')}" for name, n in counts.items()]
            say(f"{step.asset:<16}{', '.join(shown)}")
    for check in report.broken:
        if check.is_blocking:  # notes were printed by the run
            say(f"  BROKEN {check.asset}/{check.claim}: {check.message}")
    if not report.succeeded and not report.broken:
        raise C2SError(report.problems)


def _list(lines: list[str], what: str) -> None:
    for line in lines[:_MOST_LINES]:
        say(f"  {line}")
    if len(lines) > _MOST_LINES:
        say(f"  and {len(lines) - _MOST_LINES:,} more {what}")


def _side(side: str | None) -> str:
    return side or "no side"
