"""Measures how long many small files take from the inbox to their tables, under `c2s ui`.

python -m benchmarks.arrivals [N_FILES ...]
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.soak import Soak, drop, free_port
from c2s_assets.storage.lake.layout import Layout

_ASKED = (1, 20, 200)


def main(numbers: list[int]) -> None:
    """Drop so many files at once, one number after the other, and wait until all are built."""
    with tempfile.TemporaryDirectory(prefix="c2s-arrivals-") as folder:
        layout = Layout(Path(folder) / "lake")
        layout.inbox.mkdir(parents=True)
        soak = Soak(layout, layout.root, free_port())
        soak.keep_running()
        _wait_until_it_runs(soak)
        print("| files at once | seconds to the first | to the last | MB of all processes, highest |")
        print("| ---: | ---: | ---: | ---: |")
        for n_files in numbers:
            first, last, megabytes = _measure(soak, n_files)
            print(f"| {n_files} | {first:,.0f} | {last:,.0f} | {megabytes:,.0f} |", flush=True)
        soak.stop()


def _measure(soak: Soak, n_files: int) -> tuple[float, float, float]:
    began, n_before, first, highest = time.monotonic(), len(soak.dropped), None, 0.0
    for _ in range(n_files):
        drop(soak, seed=len(soak.dropped))
    while left := set(soak.unbuilt()):
        if first is None and len(left & set(soak.dropped[n_before:])) < n_files:
            first = time.monotonic() - began
        highest = max(highest, soak.megabytes_now())
        time.sleep(1)
    last = time.monotonic() - began
    return last if first is None else first, last, highest


def _wait_until_it_runs(soak: Soak) -> None:
    while "daemon" not in soak.processes().values():
        time.sleep(1)
    time.sleep(15)


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]] or list(_ASKED))
