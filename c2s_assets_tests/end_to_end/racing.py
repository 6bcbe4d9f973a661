"""Processes that make ready, wait for each other and then use one lake at once; for test_concurrent_builds.

They are forks of one that has loaded what all of them use, for which each would take three seconds. One makes
the file FOLDER/ready-NAME, and begins when there is a file FOLDER/go. The role `c2s` runs that command and
ends with its status. The others renew or read the catalogue until there is a file FOLDER/stop-NAME, and once
more, and print every answer as a line of JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

from c2s_assets import definitions
from c2s_assets.defs.resources import Store
from c2s_assets.storage.lake.layout import Layout

FORKS = get_context("forkserver")
# What assets import when they run, and not before, is among it.
FORKS.set_forkserver_preload(
    [
        *("c2s_assets.cli.main", "c2s_assets.storage.catalogue.versions"),
        *("c2s_assets.core.sentences.ranking", "c2s_assets.core.expression.variability"),
        *("c2s_assets.storage.tables.wide", "matplotlib.figure", "matplotlib.backends.backend_agg"),
        __name__,
    ]
)
_SECONDS = 240.0
_PAUSE_SECONDS = 0.5  # whoever goes round and round should leave time to the builds

# Tables that are there, as the catalogue says, and rows that there are, as its views say.
COUNTS = """
    select
        dataset_id,
        n_cells,
        list_sort(tables),
        (select count(*) from cells where cells.dataset_id = d.dataset_id),
        (select count(distinct cell_id) from sentences where sentences.dataset_id = d.dataset_id),
        (select count(*) from splits where splits.dataset_id = d.dataset_id),
        (select count(*) from cells),
        (select count(*) from sentences)
    from datasets d
    order by dataset_id
"""


def play(folder: Path, name: str, role: Sequence[str], *, environ: Mapping[str, str]) -> None:
    """Play one role: its name, and arguments."""
    os.environ.clear()
    os.environ.update(environ)
    for stream, file in ((1, output_of(folder, name)), (2, errors_of(folder, name))):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), stream)
    sys.exit(_play(folder, name, *role))


def output_of(folder: Path, name: str) -> Path:
    """What a process of this name has written."""
    return folder / f"{name}.output.txt"


def errors_of(folder: Path, name: str) -> Path:
    """What it has said to the user."""
    return folder / f"{name}.errors.txt"


def _play(folder: Path, name: str, role: str, *arguments: str) -> int:
    layout = Layout(Path(os.environ["C2S_LAKE"]))
    # What was loaded knows another lake.
    resources = {**(definitions.defs.resources or {}), "store": Store(root=str(layout.root))}
    definitions.defs = definitions.build_definitions(resources)
    begin = _ROLES[role](layout, list(arguments))
    (folder / f"ready-{name}").touch()
    _wait_for(folder / "go")
    if role == "c2s":
        return int(begin())
    stop = folder / f"stop-{name}"
    deadline, is_last = time.monotonic() + _SECONDS, False
    while not is_last and time.monotonic() < deadline:
        is_last = stop.exists()
        print(json.dumps(begin()), flush=True)  # noqa: T201 whoever started us reads it
        time.sleep(_PAUSE_SECONDS)
    return 0 if is_last else 1


def _command(layout: Layout, arguments: list[str]) -> Callable[[], int]:
    from c2s_assets.cli.main import main as c2s
    from c2s_assets.defs.service import open_instance

    with open_instance(layout):  # imports as well
        pass
    return lambda: c2s(arguments)


def _renewing(layout: Layout, _: list[str]) -> Callable[[], object]:
    """Materialize the catalogue, as `c2s query` and the hourly schedule do."""
    from c2s_assets.defs.service import build_catalogue, open_instance

    def renew() -> object:
        with open_instance(layout) as instance:
            report = build_catalogue(instance, definitions.defs)
        return [report.succeeded, [step.problem for step in report.steps if step.problem]]

    renew()
    return renew


def _asking(layout: Layout, _: list[str]) -> Callable[[], object]:
    """Read as `c2s query --as-is` does."""
    from c2s_assets.storage.catalogue.queries import answer_query

    def ask() -> object:
        return answer_query(layout, COUNTS, max_rows=100).rows.rows()

    return ask


def _connecting(layout: Layout, _: list[str]) -> Callable[[], object]:
    """Read as a user of DuckDB does, who knows nothing of us."""
    import duckdb

    def read() -> object:
        with duckdb.connect(layout.catalogue, read_only=True) as connection:
            return connection.execute(COUNTS).fetchall()

    return read


_ROLES: dict[str, Callable[[Layout, list[str]], Callable[[], object]]] = {
    "c2s": _command,
    "catalogue": _renewing,
    "query": _asking,
    "duckdb": _connecting,
}


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} was never made")
        time.sleep(0.01)
