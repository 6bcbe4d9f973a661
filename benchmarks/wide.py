"""Measures how fast and in how much memory the wide table is written, against pandas, and prints a table.

    python -m benchmarks.wide

Every measurement is a process of its own, and the ways take turns; the median counts. Both begin with the
h5ad. What pandas needs for the frame and for `to_parquet` is measured apart, so that the two can be compared
with and without reading the file.
"""

# Linux counts the memory of the parent at the fork into the peak of a child, so this process stays small:
# it imports nothing but the standard library.
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

_HERE = Path(__file__).parent
_READERS = ("polars", "pyarrow", "pandas")


@dataclass(frozen=True)
class Run:
    """One process: the seconds of its steps, its peak memory, and the bytes it wrote."""

    seconds: dict[str, float]
    peak_bytes: int
    n_bytes: int


class Steps:
    """The seconds of each step of a way, and those that processors worked for it, in all threads together."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        started, worked = perf_counter(), process_time()
        yield
        self.seconds[name] = perf_counter() - started
        self.seconds[f"{name}, processor"] = process_time() - worked


def main() -> None:
    """Measure and print, or do one thing if asked to."""
    options = _parse_arguments()
    if options.do:
        way, source, target = options.do
        steps = Steps()
        _WAYS[way](Path(source), Path(target), steps)
        print(json.dumps(steps.seconds))
        return
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        print(
            render(_measure_all(Path(folder), n_obs=options.cells, n_repeats=options.repeats), options.cells)
        )


def write_dense(source: Path, target: Path, steps: Steps) -> None:
    """Read the matrix, make it dense, and let pandas write it as it does by default."""
    references, np, pd = (import_module(name) for name in ("benchmarks.references", "numpy", "pandas"))
    import_module("pyarrow.parquet")
    with steps.step("read"):
        cell_ids, symbols = references._read_names(source)
        dense = np.empty((len(cell_ids), len(symbols)), np.float32)
        first = 0
        for block in references.read_csr(source, rows=2_048):
            dense[first : first + block.shape[0]] = block.toarray()
            first += block.shape[0]
    with steps.step("frame"):
        frame = pd.DataFrame(dense, columns=symbols)
        frame.insert(0, "cell_id", cell_ids)
    target.mkdir(parents=True)
    with steps.step("to_parquet"):
        frame.to_parquet(target / "part-00000.parquet", index=False)


def write_ours(source: Path, target: Path, steps: Steps) -> None:
    """Take the path of the asset `expression_matrix`, without Dagster, its checks and its preview."""
    ours, wide = import_module("benchmarks.ours"), import_module("c2s_assets.storage.tables.wide")
    expression, features = (
        import_module("c2s_assets.core.expression.tables"),
        import_module("c2s_assets.core.genes.features"),
    )
    h5ads, pl = import_module("c2s_assets.storage.h5ad.source"), import_module("polars")
    _load_kernels(target.with_name("kernels"))
    with steps.step("write"), h5ads.open_h5ad(source) as h5ad:
        var = pl.DataFrame([h5ad.var.read(name) for name in h5ad.var.names])
        names = expression.column_names(features.describe_features(h5ad.var.index(), var))
        wide.write_wide(
            target,
            h5ad.matrix("X").blocks(rows=ours.ROWS_PER_BLOCK),
            cell_ids=h5ad.obs.index(),
            schema=wide.wide_schema(names, footer={}),
        )


def read_pruned(_: Path, target: Path, steps: Steps) -> None:
    """Read `cell_id` and one gene with each reader, the first time in its process and again."""
    pl, pq, pd = (import_module(name) for name in ("polars", "pyarrow.parquet", "pandas"))
    names = pq.read_schema(min(target.glob("*.parquet"))).names
    columns = ["cell_id", names[len(names) // 2]]
    reads = (
        lambda: pl.read_parquet(target / "*.parquet", columns=columns),
        lambda: pq.read_table(target, columns=columns),
        lambda: pd.read_parquet(target, columns=columns),
    )
    for name, read in zip(_READERS, reads, strict=True):
        with steps.step(name):
            read()


def render(runs: dict[str, list[Run]], n_obs: int) -> str:
    """Make the Markdown table; the processor's seconds are less disturbed by what else the machine does."""
    lines = [
        f"| {n_obs:,} cells x 29,400 features | seconds | times ours | of a processor | times ours | peak "
        "memory | written |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    ways = {
        "pandas, `to_parquet` alone, the frame being in memory": ("pandas", ("to_parquet",)),
        "pandas, frame of the dense matrix, and `to_parquet`": ("pandas", ("frame", "to_parquet")),
        "pandas, from the h5ad": ("pandas", ("read", "frame", "to_parquet")),
        "**`expression_matrix`, from the h5ad**": ("ours", ("write",)),
    }
    lines += [_line(what, runs[way], steps, runs["ours"], ("write",)) for what, (way, steps) in ways.items()]
    for reader in _READERS:
        for way, what in (("pandas", "file of pandas"), ("ours", "`expression_matrix`")):
            label = f"`cell_id` and a gene by {reader}: {what}"
            lines.append(_line(label, runs[f"read {way}"], (reader,), runs["read ours"], (reader,)))
    return "\n".join(lines)


_WAYS: dict[str, Callable[[Path, Path, Steps], None]] = {
    "pandas": write_dense,
    "ours": write_ours,
    "read": read_pruned,
}


def _load_kernels(folder: Path) -> None:
    """Write the table of one cell, so that what is compiled is loaded or, the first time, compiled."""
    wide, pl = import_module("c2s_assets.storage.tables.wide"), import_module("polars")
    cell = import_module("scipy.sparse").csr_array([[1.0, 0.0]], dtype="float32")
    schema = wide.wide_schema(["A", "B"], footer={})
    wide.write_wide(folder, [(0, cell)], cell_ids=pl.Series(["cell"]), schema=schema)
    shutil.rmtree(folder)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--cells", type=int, default=20_000, help="cells of the atlas")
    parser.add_argument("--repeats", type=int, default=3, help="of each way; the median counts")
    parser.add_argument("--scratch", type=Path, help="folder for large files, removed at the end")
    parser.add_argument("--do", nargs=3, metavar=("WAY", "ATLAS", "FOLDER"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure_all(folder: Path, *, n_obs: int, n_repeats: int) -> dict[str, list[Run]]:
    atlas = folder / "atlas.h5ad"
    _run("-m", "benchmarks.atlas", str(atlas), str(n_obs))
    runs = defaultdict(list)
    _measure("ours", atlas, folder / "ours")  # compiles the kernels if this checkout never did
    for _ in range(n_repeats):
        for way in ("pandas", "ours"):
            shutil.rmtree(folder / way, ignore_errors=True)
            os.sync()  # so that nobody pays for what the one before has left to write
            runs[way].append(_measure(way, atlas, folder / way))
        for way in ("pandas", "ours"):
            runs[f"read {way}"].append(_measure("read", atlas, folder / way))
    return runs


def _measure(way: str, atlas: Path, target: Path) -> Run:
    output, peak_bytes = _run("-m", "benchmarks.wide", "--do", way, str(atlas), str(target))
    n_bytes = sum(path.stat().st_size for path in target.rglob("*.parquet"))
    print(f"  {way:<8}{output.strip()} {peak_bytes / 1e6:,.0f} MB", file=sys.stderr, flush=True)
    return Run(json.loads(output), peak_bytes, n_bytes)


def _run(*arguments: str) -> tuple[str, int]:
    """Run Python to its end; what it printed, and its peak memory."""
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=_HERE.parent, stdout=subprocess.PIPE, text=True
    )
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{output}")
    return output, usage.ru_maxrss * 1024


def _line(
    what: str, runs: list[Run], steps: Sequence[str], reference: list[Run], reference_steps: Sequence[str]
) -> str:
    cells = [what]
    for clock in ("", ", processor"):
        seconds = _median(runs, [step + clock for step in steps])
        ours = _median(reference, [step + clock for step in reference_steps])
        cells += [f"{seconds:.2f}", f"{seconds / ours:.1f}"]
    cells.append(f"{median(run.peak_bytes for run in runs) / 1e9:.2f} GB")
    cells.append(f"{runs[0].n_bytes / 1e6:,.0f} MB")
    return f"| {' | '.join(cells)} |"


def _median(runs: list[Run], steps: Sequence[str]) -> float:
    return median(sum(run.seconds[step] for step in steps) for run in runs)


if __name__ == "__main__":
    main()
