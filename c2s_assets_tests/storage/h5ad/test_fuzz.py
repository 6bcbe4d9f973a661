"""Reads corrupt files in processes of their own; `C2S_FUZZ_FILES=10000 pytest -s ...` reads some thousands.

Every outcome must be one of these: what was read before (`same`), something else that keeps our promises
(`other`: the damage is to a value, or removed a part), one clear error (`refused`), or the end of the process
that rehearses (`died`, which a survey turns into words). What was rehearsed raises no other exception and
ends no process; no hang, no more memory than `fuzzing.MEMORY_BYTES`, and nothing from another file.
"""

import os
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from c2s_assets_tests.storage.h5ad.fuzzing import OUTCOMES

N_FILES = int(os.environ.get("C2S_FUZZ_FILES", "100"))
TIMEOUT_SECONDS = 20.0
# To compile the checksums and write the originals, on a busy machine.
START_SECONDS = 120.0


@pytest.mark.skipif(sys.platform != "linux", reason="the memory limit is Linux's")
def test_a_corrupt_file_is_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    bad = []
    first = 0
    while first < N_FILES:
        for number, kind, outcome in _read_corrupt_files(tmp_path, first, N_FILES - first):
            first = number + 1
            outcomes[outcome.split(":")[0]] += 1
            if outcome not in OUTCOMES:
                bad.append(f"file {number} ({kind}): {outcome}")
    assert not bad, f"{len(bad)} of {N_FILES} ({dict(outcomes)}):\n" + "\n".join(bad)
    assert {"same", "other", "refused"} <= set(outcomes)
    print(dict(outcomes))  # noqa: T201 - shown by pytest -s


def _read_corrupt_files(folder: Path, first: int, n_files: int) -> Iterator[tuple[int, str, str]]:
    """Yield number, kind and outcome of each file, up to the one that ends the process, if there is one."""
    with _worker(folder, first, n_files) as (process, lines):
        present: tuple[int, str] | None = None
        is_rehearsed = False
        while True:
            try:
                line = lines.get(timeout=START_SECONDS if present is None else TIMEOUT_SECONDS)
            except queue.Empty:
                assert present is not None, "the process did not begin"
                yield *present, f"hung: nothing for {TIMEOUT_SECONDS} s"
                return
            if line is None:
                break
            word, number, rest = line.rstrip("\n").split(" ", 2)
            if word == "begin":
                present, is_rehearsed = (int(number), rest), False
            elif word == "rehearsed":
                is_rehearsed = True
            elif present is not None:
                yield *present, rest
                present = None
        code = process.wait()
        if present is not None:
            yield *present, f"crashed: exit code {code}" if is_rehearsed or code >= 0 else "died"
        else:
            assert code == 0, f"the process ended with {code} between files"


@contextmanager
def _worker(
    folder: Path, first: int, n_files: int
) -> Iterator[tuple[subprocess.Popen[str], "queue.Queue[str | None]"]]:
    command = [sys.executable, "-m", "c2s_assets_tests.storage.h5ad.fuzzing", str(folder)]
    lines: queue.Queue[str | None] = queue.Queue()
    with subprocess.Popen(
        [*command, str(first), str(n_files)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        pump = threading.Thread(target=_pump, args=(process.stdout, lines))
        pump.start()
        try:
            yield process, lines
        finally:
            process.kill()
            pump.join()


def _pump(source: IO[str], lines: "queue.Queue[str | None]") -> None:
    for line in source:
        if line.startswith(("begin ", "rehearsed ", "end ")):
            lines.put(line)
    lines.put(None)
