"""Measures what the hourly report on health leaves with Dagster, and what of that a pruning removes.

python -m benchmarks.reports [N_RUNS]
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import dagster as dg

from c2s_assets.definitions import build_definitions
from c2s_assets.defs.automation import retention
from c2s_assets.defs.automation.health import report_health
from c2s_assets.defs.automation.retention import prune_runs
from c2s_assets.defs.resources import Cellxgene, Hgnc, HuggingFace, Store
from c2s_assets.defs.service import open_instance, run_job
from c2s_assets.storage.lake.digest import files_of_tree
from c2s_assets.storage.lake.layout import Layout

_NOWHERE = "http://127.0.0.1:9/unreachable"


def main(n_runs: int) -> None:
    """Report so many times, prune as if all of it were long ago, and report as often again."""
    with tempfile.TemporaryDirectory(prefix="c2s-reports-") as folder:
        layout = Layout(Path(folder) / "lake")
        layout.inbox.mkdir(parents=True)
        resources = {
            "store": Store(root=str(layout.root)),
            "hgnc": Hgnc(url=_NOWHERE),
            "cellxgene": Cellxgene(base_url=_NOWHERE),
            "hub": HuggingFace(endpoint=_NOWHERE),
        }
        definitions = build_definitions(resources)
        _report(layout, definitions, 1)
        first = sum(_megabytes(layout))
        _report(layout, definitions, n_runs)
        n_events, size = _last_events(layout), sum(_megabytes(layout))
        print(f"a report: {n_events} events, {(size - first) / n_runs:.2f} MB")
        print(f"{n_runs + 1} reports: {size:.1f} MB, of that shared {_megabytes(layout)[0]:.1f}")
        with open_instance(layout) as instance, patch.object(retention, "_KEEP_DAYS_OF_REPORTS", -1):
            assert prune_runs.execute_in_process(instance=instance).success  # noqa: S101
            n_left = len(instance.get_run_records(dg.RunsFilter(job_name=report_health.name)))
        print(f"after a pruning: {n_left} of them left, {sum(_megabytes(layout)):.1f} MB")
        _report(layout, definitions, n_runs)
        print(f"after as many more: {sum(_megabytes(layout)):.1f} MB")


def _report(layout: Layout, definitions: dg.Definitions, n_runs: int) -> None:
    """Report so often, each time as a process does that ends then and closes Dagster's files."""
    for _ in range(n_runs):
        with open_instance(layout) as instance:
            assert run_job(instance, definitions, report_health.name).succeeded  # noqa: S101


def _last_events(layout: Layout) -> int:
    with open_instance(layout) as instance:
        (run,) = instance.get_run_records(limit=1)
        return len(instance.all_logs(run.dagster_run.run_id))


def _megabytes(layout: Layout) -> tuple[float, float]:
    """Return the size of the files that all runs share, and of those of one run each."""
    shared, own = 0.0, 0.0
    for file, size in _files(layout):
        is_own = file.parent.name == "runs" and not file.name.startswith("index")
        own, shared = own + size * is_own, shared + size * (not is_own)
    return shared, own


def _files(layout: Layout) -> Iterator[tuple[Path, float]]:
    for file in files_of_tree(layout.dagster_home):
        yield file, file.stat().st_size / 2**20


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 24)
