"""`c2s demo`: an example, from a simulated file to its tables and, if asked for, to a repository of a Hub."""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from c2s_assets.cli.building import print_report
from c2s_assets.cli.loading import load_definitions
from c2s_assets.cli.printing import say, scan_text
from c2s_assets.clients.hub_access import TOKEN
from c2s_assets.core.errors import C2SError, ConfigError
from c2s_assets.schemas.documents import InboxNote
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.settings_file import change_settings, place_of_settings

_EXAMPLE = "example"
_REPO = f"me/{_EXAMPLE}"
_SETTINGS = f"""\
datasets:
  {_EXAMPLE}: {{title: Simulated ageing tissue, licence: CC0 1.0}}
releases:
  {_EXAMPLE}: {{repo_id: {_REPO}, licence: CC0 1.0, title: Simulated ageing tissue, private: false}}
"""
_LOADING = f"""\
from datasets import load_dataset
for side, rows in load_dataset("{_REPO}").items():
    print(f"  {{side}}: {{rows.num_rows:,}} rows, {{len(rows.features)}} columns")
"""
_SECONDS_PER_LOOK = 0.5
_NO_XET = {"HF_HUB_DISABLE_XET": "1"}


def build_example(layout: Layout) -> int:
    """Simulate a dataset, build it, and say how to go on; 1 if it was refused."""
    defs = load_definitions()
    from c2s_assets.defs.service import build, open_instance
    from c2s_assets.schemas.registry import tables_of_any_dataset
    from c2s_assets.simulate import simulate_h5ad
    from c2s_assets.storage.sources.raw import put_into_inbox

    def simulate(target: Path) -> InboxNote:
        simulate_h5ad(target)
        return InboxNote(retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"))

    say("Simulating 5,000 cells of 17 donors, with 20,000 genes and 36 cell types ...")
    put_into_inbox(layout, dataset_id=_EXAMPLE, fill=simulate)
    with open_instance(layout) as instance:
        report = build(instance, defs, _EXAMPLE, assets=tables_of_any_dataset())
    print_report(_EXAMPLE, report, layout)
    folder = layout.dataset(_EXAMPLE)
    say(
        f"\nLoad it with Polars:\n"
        f"  import polars as pl\n"
        f"  {scan_text(folder / 'train')}.select('cell_sentence', 'age').collect()\n"
        f"\nSee it in the Dagster UI:\n  make ui      (or: c2s ui), then open http://127.0.0.1:3000"
    )
    return 0 if report.succeeded else 1


def publish_example(layout: Layout) -> int:
    """Build the example, release it on a Hub of this machine, load it from there, and show it."""
    from c2s_assets.local_hub.hub import WRITER, Hub
    from c2s_assets.local_hub.serving import serving

    _describe_release(layout)
    if (status := build_example(layout)) != 0:
        return status
    # Before the client of the Hub is loaded, which reads it then; the token is that of this Hub alone.
    os.environ.update({TOKEN: WRITER, **_NO_XET})
    with tempfile.TemporaryDirectory() as folder:
        hub = Hub(Path(folder) / "hub")
        with serving(hub):
            _release(layout, hub.url)
            _load(hub.url, cache=Path(folder) / "cache")
            show_until_stopped(hub.url)
    return 0


def show_until_stopped(url: str) -> None:
    """Say where the card is, and wait while it is looked at."""
    with suppress(KeyboardInterrupt):
        say(f"\nSee its card: {url}/datasets/{_REPO}\nCtrl-C ends this Hub.")
        while True:  # by turns: Polars handles Ctrl-C in a way that does not end a wait for a lock
            time.sleep(_SECONDS_PER_LOOK)


def _describe_release(layout: Layout) -> None:
    """Write the entries of the example into `datasets.yaml`, unless there is one of its own.

    Raises
    ------
    ConfigError
        If there is another `datasets.yaml`: it is the user's.
    """
    if not layout.settings.exists():
        change_settings(layout, lambda _: _SETTINGS)
    elif _EXAMPLE not in read_settings(layout).releases:
        raise ConfigError(
            f"{place_of_settings(layout)} has no release {_EXAMPLE!r}, and is not written over. "
            f"Set C2S_LAKE to a new folder, or write there:\n{_SETTINGS}"
        )


def _release(layout: Layout, url: str) -> None:
    """Stage the release, and publish it on the Hub at an address."""
    defs = load_definitions()
    from c2s_assets.definitions import build_definitions
    from c2s_assets.defs.automation.releases import publish_release, stage_release
    from c2s_assets.defs.resources import HuggingFace
    from c2s_assets.defs.service import open_instance, run_release

    definitions = build_definitions({**(defs.resources or {}), "hub": HuggingFace(endpoint=url)})
    sending = {"hub_dataset": {"config": {"dry_run": False}}}
    with open_instance(layout) as instance:
        for job, config in ((stage_release, {}), (publish_release, sending)):
            report = run_release(instance, definitions, job.name, name=_EXAMPLE, config=config)
            if not report.succeeded:
                raise C2SError(report.problems)
    (published,) = report.steps
    say(f"\nPublished as version {published.figures['version']}: {published.figures['n_files']} files")


def _load(url: str, *, cache: Path) -> None:
    """Load the release as its users would, in a process that knows nothing of the lake."""
    if find_spec("datasets") is None:
        say("To load it from there as well: pip install datasets")
        return
    environment = {**os.environ, **_NO_XET, "HF_ENDPOINT": url, "HF_HOME": str(cache)}
    command = [sys.executable, "-c", _LOADING]
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        command, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise C2SError(f"datasets could not load the release: {done.stderr[-2000:]}")
    say(f'Loaded from there with load_dataset("{_REPO}"):\n{done.stdout.rstrip()}')
