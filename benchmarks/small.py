"""Measures what a small dataset costs, in a new process and in one that has built one before.

    python -m benchmarks.small FILE --before CHECKOUT

builds the file with the code of this checkout and of another one in turns, and prints a table in Markdown.
UMAP and t-SNE are left out: they are other people's code, and cost the same before and after.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

_HERE = Path(__file__).resolve()


def main() -> None:
    """Measure in turns, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("file", type=Path, help="an h5ad")
    parser.add_argument("--before", type=Path, help="another checkout, to compare with")
    parser.add_argument("--repeats", type=int, default=3, help="of which the median counts")
    options = parser.parse_args()
    checkouts = {"before": options.before, "now": _HERE.parents[1]}
    taken: dict[str, list[dict[str, float]]] = {name: [] for name, path in checkouts.items() if path}
    for name in taken:
        _measure(checkouts[name], options.file)  # compiles what this checkout never compiled
    for _ in range(options.repeats):
        for name, measured in taken.items():
            measured.append(_measure(checkouts[name], options.file))
    print("| | new process | warm process |\n| --- | ---: | ---: |")
    for name, measured in taken.items():
        figures = [f"{median(one[what] for one in measured):.1f} s" for what in ("new", "warm")]
        print(f"| {name} | {' | '.join(figures)} |")


def _measure(checkout: Path, file: Path) -> dict[str, float]:
    """Build with the code of a checkout, in a new process with an empty lake."""
    with tempfile.TemporaryDirectory() as lake:
        environment = {**os.environ, "PYTHONPATH": str(checkout), "C2S_LAKE": lake}
        environment.pop("DAGSTER_HOME", None)
        command = [sys.executable, str(_HERE.with_name("small_build.py")), str(file.resolve())]
        done = subprocess.run(command, env=environment, cwd=lake, stdout=subprocess.PIPE, check=True)
        measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


if __name__ == "__main__":
    main()
