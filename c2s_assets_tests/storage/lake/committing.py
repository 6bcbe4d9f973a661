"""Commits of one dataset to a lake in a bucket, of which each says which version it is; also until killed.

``python -m c2s_assets_tests.storage.lake.committing ADDRESS NAME`` commits ``NAME-0``, ``NAME-1``, ... until
it is killed, and prints each when it is through.
"""

import os
import random
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

from c2s_assets.schemas.record import Built, MadeFrom
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locating import find_lake
from c2s_assets.storage.lake.record import read_record
from c2s_assets.storage.lake.refreshing import refresh
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.lake.staging import stage

DATASET = "d"
SIDES = ("train", "test")


def built_of(content: str) -> Built:
    made_from = MadeFrom(source_sha256=content, inputs={}, settings={}, code_version="1")
    return Built(files={}, n_rows=None, digest=content, made_from=made_from, checks=[])


def commit_version(layout: Layout, content: str, *names: str, asset: str = "train_test") -> None:
    """Commit folders that all hold one content, with a record that says which."""
    targets = [layout.parts(name, DATASET) for name in names]
    with stage(layout, DATASET) as staged:
        for target in targets:
            staged.path(target).mkdir()
            (staged.path(target) / "part").write_text(content)
        staged.commit(*targets, record=lambda record: record.with_built(asset, built_of(content)))


def version_here(layout: Layout) -> tuple[str | None, list[str]]:
    """Say what the record says, and what the tables hold."""
    record, sides = read_record(layout, DATASET), [layout.parts(name, DATASET) for name in SIDES]
    said = record.built["train_test"].digest if record.built else None
    return said, [(present(side) / "part").read_text() for side in sides if side.exists()]


def refreshed_version(layout: Layout) -> tuple[str | None, list[str]]:
    """Say what is here once what is published was taken."""
    refresh(layout)
    return version_here(layout)


def kill_while_committing(address: str, name: str, *, cache: Path, patience: random.Random) -> list[str]:
    """Have a process commit until it is killed at a random moment; return the versions that it said."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, address, name],
        env={**os.environ, "C2S_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(patience.uniform(0, 0.3))  # some commits, each of some 50 ms
    process.kill()
    rest = process.communicate()[0]
    assert process.returncode == -signal.SIGKILL
    return (first + rest).split()


def main(address: str, name: str) -> None:
    layout = find_lake(address)
    for number in count():
        commit_version(layout, f"{name}-{number}", *SIDES)
        print(f"{name}-{number}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
