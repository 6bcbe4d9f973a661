"""What it costs to know of 2,200 datasets what is stale and why: a look at them, and the query.

    python -m benchmarks.health [--datasets 2200]

One toy dataset is built; the others have its files under names of their own (hard links), with a record each.
Of every tenth a table is gone, of every fiftieth everything but the source. The query is that of
docs/operating.md, through the same door as `c2s query`.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TypeVar

from c2s_assets.defs.health import look_at_health
from c2s_assets.defs.service import BuildReport, build, run_job
from c2s_assets.schemas.registry import SENTENCES
from c2s_assets.storage.catalogue.queries import read_query
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.defs.building import open_workshop
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad, make_lake

_FIRST = "toy"
_QUERY = (
    "select dataset_id, standing, hours_stale, why from health where standing <> 'built' "
    "order by hours_stale desc"
)
_N_QUERIES = 20
Done = TypeVar("Done")


def main() -> None:
    """Make the lake, and print what a look at it and a query take."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--datasets", type=int, default=2_200)
    n_datasets = parser.parse_args().datasets
    with tempfile.TemporaryDirectory(prefix="c2s-health-") as folder:
        layout = make_lake(Path(folder))
        drop_toy_h5ad(layout, _FIRST, n_axes=EMBEDDINGS)
        with open_workshop(layout) as workshop:
            _require(build(workshop.instance, workshop.definitions, _FIRST))
            # The catalogue links the report that is there; of health it answers without being renewed.
            for job in ("report_health", "renew_catalogue"):
                _require(run_job(workshop.instance, workshop.definitions, job))
            for number in range(1, n_datasets):
                _copy(layout, f"toy{number:04d}")
            _make_stale(layout)
            print(f"{n_datasets:,} datasets, load {os.getloadavg()[1]:.0f}")
            now = datetime.now(UTC)
            rows, said = _timed(lambda: look_at_health(workshop.instance, layout, now=now))
            print(f"a look: {said}; {(rows['standing'] != 'built').sum():,} are stale", flush=True)
            _require(run_job(workshop.instance, workshop.definitions, "report_health"))
        _print_queries(layout)


def _copy(layout: Layout, name: str) -> None:
    """Give the files of the first dataset to another one; what is asked of them here is in its record."""
    shutil.copytree(layout.dataset(_FIRST), layout.dataset(name), copy_function=os.link)
    record = layout.record(name)
    text = record.read_text()
    for known in ('"{}"', "datasets/{}/", "raw/{}."):
        text = text.replace(known.format(_FIRST), known.format(name))
    record.unlink()
    record.write_text(text)
    os.link(layout.raw_h5ad(_FIRST), layout.raw_h5ad(name))
    provenance = layout.raw_provenance(_FIRST).read_text()
    layout.raw_provenance(name).write_text(provenance.replace(f'"{_FIRST}"', f'"{name}"'))


def _make_stale(layout: Layout) -> None:
    for number, folder in enumerate(sorted(layout.datasets.iterdir())):
        if number % 50 == 0:
            shutil.rmtree(folder)
        elif number % 10 == 0:
            shutil.rmtree(layout.parts(SENTENCES, folder.name))


def _require(report: BuildReport) -> None:
    if not report.succeeded:
        raise RuntimeError(report.problems)


def _print_queries(layout: Layout) -> None:
    times, used = [], time.process_time()
    for _ in range(_N_QUERIES):
        began = time.monotonic()
        rows = read_query(layout, _QUERY)
        times.append(time.monotonic() - began)
    of_processor = (time.process_time() - used) / _N_QUERIES
    print(
        f"what is stale and why: {rows.height:,} rows in {of_processor * 1000:.0f} ms of the processor, "
        f"{median(times) * 1000:.0f} ms, at most {max(times) * 1000:.0f} ms, with opening the catalogue"
    )


def _timed(do: Callable[[], Done]) -> tuple[Done, str]:
    began, used = time.monotonic(), time.process_time()
    done = do()
    return done, f"{time.process_time() - used:.1f} s of the processor, {time.monotonic() - began:.1f} s"


if __name__ == "__main__":
    main()
