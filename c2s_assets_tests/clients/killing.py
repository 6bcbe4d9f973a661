"""Publishes a release in processes that are killed at random moments, until one gets through.

``python -m c2s_assets_tests.clients.killing FOLDER --trials 50`` prints a line of JSON for each: how often it
was killed, how many large files were sent, and what is wrong with what its readers found, which should be
nothing. Processes are forked, so that none has to import anything; the Hub is a process of its own.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import constants

from c2s_assets.clients.hub import open_repo
from c2s_assets.clients.publishing import publish
from c2s_assets.core.releases import changes
from c2s_assets.storage.releases.staged import StagedRelease
from c2s_assets_tests.clients.publishing import contents, stage_files
from c2s_assets_tests.hub import WRITER, Repo

_N_OLD, _N_NEW = 6, 10
_SIZE = 200_000


def _files(content: str, *, n_files: int) -> dict[str, bytes]:
    """Make files, of which the first has this content and the others that of their number."""
    data = {f"d{n}/train/chunk_0000.parquet": bytes([n]) * _SIZE for n in range(1, n_files)}
    return {"README.md": content.encode(), "d0/train/chunk_0000.parquet": content.encode() * _SIZE, **data}


# Large files of both releases together, each of which should be sent once.
N_LARGE = 11
OLD, NEW = _files("a", n_files=_N_OLD), _files("b", n_files=_N_NEW)


@contextmanager
def _hub(folder: Path) -> Iterator[str]:
    """Start a Hub, and give its address."""
    command = [sys.executable, "-m", "c2s_assets_tests.hub", "--folder", str(folder), "--seconds", "300"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _publish(url: str, name: str, staged: StagedRelease) -> None:
    with open_repo(name, endpoint=url, token=WRITER) as repo:
        publish(repo, staged, private=True, report=lambda _: None)


def _run(work: Callable[[], None], *, seconds: float | None) -> tuple[bool, float]:
    """Work in a forked process, killed after some seconds; tell whether it got through, and its seconds."""
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), f"it ended with {status}"
    return status == 0, time.monotonic() - start


def _trial(folder: Path, url: str, name: str, draw: random.Random) -> dict[str, object]:
    """Publish one release, and another that is killed up to five times; tell what is wrong with it then."""
    repo_folder = folder / "hub" / name.replace("/", "--")
    old, new = stage_files(folder / "old", OLD), stage_files(folder / "new", NEW)
    _, took = _run(lambda: _publish(url, name, old), seconds=None)
    wrong, n_kills, is_through = [], 0, False
    while not is_through:
        seconds = draw.uniform(0, took) if n_kills < 5 else None
        is_through, _ = _run(lambda: _publish(url, name, new), seconds=seconds)
        n_kills += not is_through
        found = contents(_repo(repo_folder))
        if found not in (OLD, NEW):
            wrong.append(f"readers found {sorted(found)}")
    repo = _repo(repo_folder)
    if contents(repo) != NEW:
        wrong.append("readers did not find the new release at last")
    if set(repo.tags) != {"2.0", "2.1"} or contents(repo, "2.1") != NEW or contents(repo, "2.0") != OLD:
        wrong.append(f"tags are {repo.tags}")
    if [pull["status"] for pull in repo.pulls] not in (["merged"] * 2, ["merged", "draft", "merged"]):
        wrong.append(f"pull requests are {[pull['status'] for pull in repo.pulls]}")
    return {"n_kills": n_kills, "wrong": wrong}


def _repo(folder: Path) -> Repo:
    return Repo(folder, **json.loads((folder / "repo.json").read_text(encoding="utf-8")))


def _sent(url: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{url}/control/sent") as answer:  # noqa: S310
        found: dict[str, int] = json.load(answer)
        return found


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    constants.HF_HUB_DISABLE_XET = True
    changes._FILES_PER_COMMIT = 3
    draw = random.Random(options.seed)  # noqa: S311
    with _hub(options.folder / "hub") as url:
        for number in range(options.trials):
            before = _sent(url)
            said = _trial(options.folder, url, f"me/corpus-{number}", draw)
            n_sent = sum(_sent(url).values()) - sum(before.values())
            print(json.dumps({**said, "n_blobs_sent": n_sent}), flush=True)  # noqa: T201


if __name__ == "__main__":
    _main()
