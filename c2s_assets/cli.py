"""The `c2s` command: puts files into the lake, builds datasets and shows how they stand."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from c2s_assets.core.errors import C2SError
from c2s_assets.core.ids import check_dataset_id, dataset_id_of
from c2s_assets.storage.layout import Layout

if TYPE_CHECKING:
    import dagster as dg

    from c2s_assets.defs.service import BuildReport

_LAKE = "C2S_LAKE"
_EXAMPLE = "example"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all went well, 1 if data or settings were refused, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    # The code location reads the same variable, here and in every process that Dagster starts.
    os.environ[_LAKE] = str(Path(os.environ.get(_LAKE) or "lake").absolute())
    layout = Layout(Path(os.environ[_LAKE]))
    try:
        return int(options.run(options, layout))
    except C2SError as error:
        print(f"c2s: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="c2s",
        description="Single-cell datasets in, ML-ready tables out. The lake is $C2S_LAKE, or ./lake.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add = commands.add_parser("add", help="put an h5ad into the lake and register its partition")
    add.add_argument("source", metavar="PATH_OR_URL")
    add.add_argument("--id", metavar="NAME", help="dataset id; by default the name of the file")
    add.add_argument("--link", action="store_true", help="hard-link the file instead of copying it")
    add.set_defaults(run=_add)

    build = commands.add_parser("build", help="build everything of some datasets")
    build.add_argument("ids", metavar="ID", nargs="+")
    build.set_defaults(run=_build)

    ls = commands.add_parser("ls", help="list the datasets, what is built and what failed")
    ls.set_defaults(run=_ls)

    ui = commands.add_parser("ui", help="open the Dagster UI on 127.0.0.1, with sensors running")
    ui.add_argument("--port", type=int, default=3000)
    ui.set_defaults(run=_ui)

    demo = commands.add_parser("demo", help=f"simulate a dataset called {_EXAMPLE!r} and build it")
    demo.set_defaults(run=_demo)
    return parser


def _add(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.clients.download import download, is_url
    from c2s_assets.defs.service import open_instance, register
    from c2s_assets.schemas.documents import InboxNote
    from c2s_assets.storage.h5ad.source import open_h5ad
    from c2s_assets.storage.raw import copy_or_link, put_into_inbox

    def fetch(target: Path) -> InboxNote:
        fetched = download(options.source, target)
        return InboxNote(url=fetched.url, etag=fetched.etag, retrieved_at=_now())

    def copy(target: Path) -> InboxNote:
        copy_or_link(Path(options.source), target, link=options.link)
        return InboxNote(retrieved_at=_now())

    from_url = is_url(options.source)
    name = options.source.partition("?")[0] if from_url else options.source
    dataset_id = dataset_id_of(name) if options.id is None else check_dataset_id(options.id)
    if not from_url:
        if not Path(options.source).is_file():
            raise C2SError(
                f"{options.source} is not a file. Give the path of an h5ad, or its http(s) address."
            )
        with open_h5ad(Path(options.source)):  # refused before it is copied
            pass
    path = put_into_inbox(layout, dataset_id=dataset_id, fill=fetch if from_url else copy)
    with open_instance(layout) as instance:
        register(instance, dataset_id)
    print(f"{dataset_id}: {path.stat().st_size:,} bytes in {path}")
    print(f"Build it with: c2s build {dataset_id}   (an open `c2s ui` does so by itself)")
    return 0


def _build(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.defs.service import build, open_instance

    ids = [check_dataset_id(dataset_id) for dataset_id in options.ids]
    definitions = _definitions()
    failed = []
    with open_instance(layout) as instance:
        for dataset_id in ids:
            report = build(instance, definitions, dataset_id)
            _print_report(dataset_id, report, layout)
            if not report.succeeded:
                failed.append(dataset_id)
    return 1 if failed else 0


def _ls(_: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.defs.service import list_datasets, open_instance

    with open_instance(layout) as instance:
        statuses = list_datasets(instance, _definitions())
    if not statuses:
        print(f"No dataset in {layout.root} yet. Add one with: c2s add PATH_OR_URL")
    for status in statuses:
        n_assets = len(status.built) + len(status.missing)
        when = f" {status.last_run_at:%Y-%m-%d %H:%M}" if status.last_run_at else ""
        run = f"{status.last_run or 'none'}{when}"
        print(f"{status.dataset_id:<40} {len(status.built)}/{n_assets} built   last run: {run}")
        if status.built and status.missing:
            print(f"    not built: {', '.join(status.missing)}")
        if status.problem:
            print(f"    {status.problem}")
    return 0


def _ui(options: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.defs.service import open_instance

    with open_instance(layout):  # made before the UI's several processes open it
        pass
    command = [sys.executable, "-m", "dagster", "dev", "-m", "c2s_assets.definitions"]
    os.execv(sys.executable, [*command, "-h", "127.0.0.1", "-p", str(options.port)])


def _demo(_: argparse.Namespace, layout: Layout) -> int:
    from c2s_assets.defs.service import build, open_instance
    from c2s_assets.schemas.documents import InboxNote
    from c2s_assets.simulate import simulate_h5ad
    from c2s_assets.storage.raw import put_into_inbox

    def simulate(target: Path) -> InboxNote:
        simulate_h5ad(target)
        return InboxNote(retrieved_at=_now())

    print("Simulating 5,000 cells of 17 donors, with 20,000 genes and 36 cell types ...")
    put_into_inbox(layout, dataset_id=_EXAMPLE, fill=simulate)
    with open_instance(layout) as instance:
        report = build(instance, _definitions(), _EXAMPLE)
    _print_report(_EXAMPLE, report, layout)
    folder = layout.dataset(_EXAMPLE)
    print(
        f"\nLoad it with Polars:\n"
        f"  import polars as pl\n"
        f"  pl.scan_parquet('{folder}/train/chunk_*.parquet').select('cell_sentence', 'age').collect()\n"
        f"\nSee it in the Dagster UI:\n  make ui      (or: c2s ui), then open http://127.0.0.1:3000"
    )
    return 0 if report.succeeded else 1


def _print_report(dataset_id: str, report: "BuildReport", layout: Layout) -> None:
    print(f"\n{dataset_id}: {'built' if report.succeeded else 'FAILED'}, in {layout.dataset(dataset_id)}")
    for step in report.steps:
        rows = step.figures.get("dagster/row_count")
        size = step.figures.get("size_bytes")
        if step.problem:
            print(f"  {step.asset:<24} FAILED: {step.problem}")
        else:
            print(
                f"  {step.asset:<24}{f'{rows:,} rows' if rows is not None else '':>16}"
                f"{f'{size / 2**20:,.1f} MB' if size is not None else '':>12}{step.seconds:>8.1f} s"
            )
    n_held = report.n_checks - len(report.broken)
    print(f"  {n_held} of {report.n_checks} checks hold")
    for check in report.broken:
        print(f"  {'BROKEN' if check.is_blocking else 'note  '} {check.asset}/{check.claim}: {check.message}")


def _definitions() -> "dg.Definitions":
    from c2s_assets.definitions import defs

    return defs


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
