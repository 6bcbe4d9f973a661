"""Measures how long many small files take from the inbox to their tables, under `c2s ui`.

python -m benchmarks.arrivals [N_FILES ...]

Every minute it notes the memory of the processes that last, and prints that as a series at the end.
"""

import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak import Soak, drop, free_port, resident_megabytes
from c2s_assets.storage.lake.layout import Layout

_ASKED = (1, 20, 200)
_LASTING = ("webserver", "code server", "daemon")


def main(numbers: list[int]) -> None:
    """Drop so many files at once, one number after the other, and wait until all are built."""
    with tempfile.TemporaryDirectory(prefix="c2s-arrivals-") as folder:
        layout = Layout(Path(folder) / "lake")
        layout.inbox.mkdir(parents=True)
        soak = Soak(layout, layout.root, free_port())
        soak.keep_running()
        series = Series()
        _wait_until_it_runs(soak)
        print("| files at once | seconds to the first | to the last | MB of all processes, highest |")
        print("| ---: | ---: | ---: | ---: |")
        for n_files in numbers:
            first, last, megabytes = _measure(soak, n_files, series)
            print(f"| {n_files} | {first:,.0f} | {last:,.0f} | {megabytes:,.0f} |", flush=True)
        series.show()
        soak.stop()


@dataclass
class Series:
    """MB of each process that lasts, minute by minute."""

    began: float = field(default_factory=time.monotonic)
    rows: list[dict[str, float]] = field(default_factory=list)

    def note(self, soak: Soak) -> None:
        """Look at the processes, unless that was less than a minute ago."""
        if time.monotonic() - self.began < 60 * len(self.rows):
            return
        kinds = soak.processes()
        row = dict.fromkeys(_LASTING, 0.0)
        for number, kind in kinds.items():
            if kind in row:
                with suppress(OSError):
                    row[kind] = max(row[kind], resident_megabytes(number))
        self.rows.append(row)

    def show(self) -> None:
        """Print a line for each minute."""
        print(f"\n| minute | {' | '.join(f'{kind}, MB' for kind in _LASTING)} |")
        print(f"| ---: |{' ---: |' * len(_LASTING)}")
        for minute, row in enumerate(self.rows):
            print(f"| {minute} | {' | '.join(f'{row[kind]:,.0f}' for kind in _LASTING)} |")


def _measure(soak: Soak, n_files: int, series: Series) -> tuple[float, float, float]:
    began, n_before, first, highest = time.monotonic(), len(soak.dropped), None, 0.0
    for _ in range(n_files):
        drop(soak, seed=len(soak.dropped))
    while left := set(soak.unbuilt()):
        if first is None and len(left & set(soak.dropped[n_before:])) < n_files:
            first = time.monotonic() - began
        highest = max(highest, soak.megabytes_now())
        series.note(soak)
        time.sleep(1)
    last = time.monotonic() - began
    return last if first is None else first, last, highest


def _wait_until_it_runs(soak: Soak) -> None:
    while "daemon" not in soak.processes().values():
        time.sleep(1)
    time.sleep(15)


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]] or list(_ASKED))
