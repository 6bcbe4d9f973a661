"""`c2s build`: which tables of which datasets, and how that ended."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from c2s_assets.cli.bar import Bar
from c2s_assets.cli.loading import load_definitions
from c2s_assets.cli.printing import remark, say
from c2s_assets.core.errors import C2SError, ConfigError
from c2s_assets.core.ids import check_dataset_id
from c2s_assets.schemas.registry import TABLES, upstream
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place

if TYPE_CHECKING:
    from c2s_assets.core.settings import DatasetsFile
    from c2s_assets.defs.service import BuildReport
    from c2s_assets.storage.dataset import Dataset


def build_all(layout: Layout, ids: Sequence[str], *, only: Sequence[str], is_outdated: bool) -> int:
    """Build datasets one after the other; 1 if any of them failed.

    Parameters
    ----------
    ids
        With `is_outdated` none stands for all.
    only
        Tables to build, with what they lack; by default everything.
    is_outdated
        Whether only what is missing or outdated is built.
    """
    defs = load_definitions()
    from c2s_assets.defs.service import build, open_instance
    from c2s_assets.storage.dataset import Dataset
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.unknown_ids import known_datasets

    settings = read_settings(layout)
    wanted = [check_dataset_id(dataset_id) for dataset_id in ids]
    if is_outdated and not wanted:
        wanted = sorted(known_datasets(layout))
    else:
        _require_sources(layout, settings, wanted)
    _refuse_without_effect(layout, settings, wanted)
    failed = []
    with open_instance(layout) as instance:
        for dataset_id in wanted:
            dataset = Dataset(layout, dataset_id, settings)
            assets = _choose(dataset, only=only, is_outdated=is_outdated)
            if not assets:
                say(f"{dataset_id}: everything is built, and nothing is outdated")
                continue
            with Bar(dataset_id, n_steps=len(assets)) as bar, _said_how_to_go_on(wanted, dataset_id):
                watcher = bar if bar.is_seen else None
                report = build(instance, defs, dataset_id, assets=assets, watcher=watcher)
            print_report(dataset_id, report, layout)
            if not report.succeeded:
                failed.append(dataset_id)
    return 1 if failed else 0


@contextmanager
def _said_how_to_go_on(wanted: Sequence[str], dataset_id: str) -> Iterator[None]:
    """Say, when the user stops the build of a dataset, how that and the ones after it are built."""
    try:
        yield
    except KeyboardInterrupt:
        left = " ".join(wanted[wanted.index(dataset_id) :])
        remark(f"\nc2s: what is published of {dataset_id} is whole. Go on with: c2s build --outdated {left}")
        raise


def _require_sources(layout: Layout, settings: "DatasetsFile", wanted: Sequence[str]) -> None:
    """Refuse ids that have no file, before anything is built."""
    from c2s_assets.storage.unknown_ids import require_source

    for dataset_id in wanted:
        require_source(layout, settings, dataset_id)


def _refuse_without_effect(layout: Layout, settings: "DatasetsFile", wanted: Sequence[str]) -> None:
    """Refuse entries of other names that may be meant for these datasets, and name all others.

    Those may be meant for a file that is still to be added.

    Raises
    ------
    ConfigError
        If `datasets.yaml` seems to misspell the id of a dataset that is to be built without its settings.
    """
    from c2s_assets.storage.unknown_ids import describe_unused, unused_entries

    unused = unused_entries(layout, settings)
    said = describe_unused(layout, unused)
    if any(near in wanted for near in unused.values()):
        raise ConfigError(" ".join(said))
    for line in said:
        remark(f"c2s: {line}")


def known_tables(names: str) -> list[str]:
    """Split names at commas.

    Raises
    ------
    C2SError
        If one of them is no table.
    """
    found = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := [name for name in found if name not in TABLES]:
        raise C2SError(f"{unknown[0]!r} is no table. There are {', '.join(TABLES)}.")
    return found


def _choose(dataset: "Dataset", *, only: Sequence[str], is_outdated: bool) -> list[str]:
    from c2s_assets.storage.holdings import due_tables, not_asked_for, stale_tables

    for why in not_asked_for(dataset, only).values():
        raise ConfigError(why)
    everything = due_tables(dataset)
    if not only and not is_outdated:
        return everything
    has_new_file = dataset.layout.inbox_h5ad(dataset.dataset_id).exists()
    stale = everything if has_new_file else stale_tables(dataset)
    return _in_order([*only, *(name for name in upstream(only) if name in stale)]) if only else stale


def _in_order(names: Iterable[str]) -> list[str]:
    chosen = set(names)
    return [name for name in TABLES if name in chosen]


def print_report(dataset_id: str, report: "BuildReport", layout: Layout) -> None:
    """Print how a build ended: each step with what it wrote, and the checks that do not hold."""
    place = shown_place(layout, layout.dataset(dataset_id))
    say(f"\n{dataset_id}: {'built' if report.succeeded else 'FAILED'}, in {place}")
    for step in report.steps:
        rows = step.figures.get("dagster/row_count")
        size = step.figures.get("size_bytes")
        if step.problem:
            say(f"  {step.asset:<24} FAILED: {step.problem}")
        else:
            say(
                f"  {step.asset:<24}{f'{rows:,} rows' if rows is not None else '':>16}"
                f"{f'{size / 2**20:,.1f} MB' if size is not None else '':>12}{step.seconds:>8.1f} s"
            )
    say(f"  {report.n_hold} of {report.n_checks} checks hold")
    claims = {check.claim for check in report.broken}
    for check in report.broken:
        if check.because not in claims:  # one line for each cause, the one that says what to do
            kind = "BROKEN" if check.is_blocking else "note  "
            say(f"  {kind} {check.asset}/{check.claim}: {check.message}")
