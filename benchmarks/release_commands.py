"""What the commands about a release take of a lake of many datasets: whole processes, with their imports.

``python -m benchmarks.release_commands FOLDER --datasets 2200`` makes the lake, see `benchmarks.copied_lake`,
and stages, publishes and repeats both, to a Hub of our own in a process of its own.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
import uuid
from pathlib import Path

from benchmarks.copied_lake import make_copies
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.hub import WRITER

_SETTINGS = "releases: {corpus: {repo_id: me/corpus, licence: MIT, licence_of_sources: MIT}}\n"
_COMMANDS = (
    ("release", "corpus"),
    ("publish", "corpus"),
    ("release", "corpus"),
    ("publish", "corpus"),
    ("publish", "corpus", "--dry-run"),
)


def main() -> None:
    """Make the lake, unless it is there, and run the commands."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--datasets", type=int, default=2200)
    options = parser.parse_args()
    layout = Layout(options.folder / "lake")
    if not layout.root.exists():
        options.folder.mkdir(parents=True, exist_ok=True)
        ids = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(options.datasets - 1)]
        make_copies(options.folder, ids)
        layout.settings.write_text(_SETTINGS, encoding="utf-8")
    serving = [sys.executable, "-m", "c2s_assets_tests.hub", "--folder", str(options.folder / "hub")]
    with subprocess.Popen([*serving, "--seconds", "7200"], stdout=subprocess.PIPE, text=True) as hub:
        try:
            url = next(iter(hub.stdout or ())).strip()
            print("| command | s | s of processor time | MB |\n| --- | --- | --- | --- |", flush=True)
            for command in _COMMANDS:
                _run(layout, url, *command)
        finally:
            hub.terminate()


def _run(layout: Layout, url: str, *command: str) -> None:
    """Run a command and print what it took; the largest memory of a process so far counts."""
    environment = {
        "C2S_LAKE": str(layout.root),
        "HF_ENDPOINT": url,
        "HF_TOKEN": WRITER,
        "HF_HUB_DISABLE_XET": "1",
    }
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "c2s_assets", *command],
        env={**os.environ, **environment},
        check=True,
        stdout=sys.stderr,
    )
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"| {' '.join(command)} | {seconds:.1f} | {used:.1f} | {after.ru_maxrss / 1024:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
