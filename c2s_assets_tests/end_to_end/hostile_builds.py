"""Corrupts h5ads, adds and builds each, and judges what came of it: `python -m ... N` (Linux).

Each file goes through `c2s add` and the assets of `c2s build` in a fork of this process, which has imported
everything and compiled the kernels, with a lake of its own. Its number is its seed.
"""

import argparse
import importlib
import itertools
import os
import pickle
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from c2s_assets.definitions import build_definitions
from c2s_assets.defs.resources import Cellxgene, Hgnc, HuggingFace, Store
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.end_to_end.adding_and_building import DATASET_ID, add_and_build, assets_of_build
from c2s_assets_tests.end_to_end.forking import Ending, run_forked, threads
from c2s_assets_tests.end_to_end.rereading import (
    EQUAL,
    compare_with_each_other,
    compare_with_source,
    differing_tables,
)
from c2s_assets_tests.storage.h5ad.checksums import compile_checksums
from c2s_assets_tests.storage.h5ad.corrupting import CORRUPTIONS, LEAD_OUTSIDE, choose_kind, write_originals

# Threads do not survive a fork, and OpenBLAS starts its own when it is imported. Of polars these are there
# from its import on; nobody waits for them.
_HARMLESS = {"jemalloc_bg_thd", "polars-ooc-clea"}
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "2"}
_UNREACHABLE = "http://127.0.0.1:9/unreachable"
# A file takes one; what a survey may take is 40.
_TIMEOUT_SECONDS = 90.0
# Of so many files one is built as for a user, surveyed in a new process and run by Dagster: 3.2 s of a
# processor rather than 1.2 s.
_WHOLE_EVERY = 10

# Where only structures are damaged, tables like those of the whole file are right, whatever HDF5 makes of it:
# it does not find a chunk whose key in the tree is damaged, and reads zeros; we list chunks, and find it.
OF_STRUCTURES = ("structures, sums mended", "structures, sums mended again")

# What becomes of a file. Only `bad` is none of our promises.
SAME, EQUAL_TO_SOURCE, NOT_COMPARED, REFUSED, BAD = (
    "same",
    "equal to source",
    "not compared",
    "refused",
    "bad",
)
VERDICTS = (SAME, EQUAL_TO_SOURCE, NOT_COMPARED, REFUSED, BAD)


@dataclass(frozen=True)
class Judged:
    """One file, and what came of it.

    Attributes
    ----------
    detail
        The step and message of a refusal, what is bad, or the parts that could not be compared.
    """

    number: int
    kind: str
    verdict: str
    detail: str
    seconds: float
    peak_bytes: int


@dataclass
class Workplace:
    """The folder of one run; the lake in it is that of the present file."""

    folder: Path
    layout: Layout = field(init=False)
    definitions: Any = field(init=False)

    def __post_init__(self) -> None:
        self.layout = Layout(self.folder / "work" / "lake")
        self.definitions = build_definitions(
            {
                "store": Store(root=str(self.layout.root)),
                "hgnc": Hgnc(url=_UNREACHABLE),
                "hub": HuggingFace(endpoint=_UNREACHABLE),
                "cellxgene": Cellxgene(base_url=_UNREACHABLE),
            }
        )

    @property
    def source(self) -> Path:
        """Where the present file is."""
        return self.folder / "work" / "source" / "file.h5ad"

    @property
    def nowhere(self) -> Path:
        """Working directory, home and place for temporary files of a build; nothing is to be left there."""
        return self.folder / "work" / "nowhere"

    def take(self, original: Path) -> None:
        """Begin with a copy of a file, and an empty lake."""
        shutil.rmtree(self.folder / "work", ignore_errors=True)
        for path in (self.source.parent, self.nowhere):
            path.mkdir(parents=True)
        shutil.copyfile(original, self.source)

    def build(self, *, is_whole: bool, more: Callable[[Any], None] = lambda _: None) -> Ending:
        """Add and build the present file in a fork."""

        def work(tell: Callable[[Any], None]) -> None:
            os.chdir(self.nowhere)
            os.environ |= dict.fromkeys(("TMPDIR", "HOME", "XDG_CACHE_HOME"), str(self.nowhere))
            tempfile.tempdir = None
            add_and_build(
                self.source,
                self.layout,
                self.definitions,
                is_whole=is_whole,
                tell=tell,
            )
            more(tell)

        return run_forked(work, folder=self.folder, timeout_seconds=_TIMEOUT_SECONDS)


@dataclass
class Originals:
    """The files that are corrupted, and what is built of them."""

    place: Workplace
    paths: list[Path]

    def build(self, original: Path) -> Path:
        """Return the folder of the dataset built of one, which warms this process up at the first call."""
        kept = self.place.folder / "built" / original.stem
        if kept.exists():
            return kept
        assets_of_build(self.place.definitions)  # resolves what every fork asks for
        self.place.take(original)
        ending = self.place.build(is_whole=original == self.paths[0], more=_tell_what_was_loaded)
        assert ending.problem is None, ending.problem
        failed = [told for told in ending.told if "step" in told or "outside" in told]
        assert not failed, failed
        _load(bytes.fromhex(ending.told[-1]["loaded"]))
        dataset = self.place.layout.dataset(DATASET_ID)
        shutil.copytree(dataset, kept)
        compared, wrong = _compare(self.place, dataset, kept)
        assert not wrong, wrong
        assert set(compared.values()) == {EQUAL}, compared
        assert set(threads()) <= _HARMLESS, f"threads {threads()}: a fork has only the one that forks"
        return kept


def judge_files(folder: Path, numbers: Iterable[int]) -> Iterator[Judged]:
    """Corrupt, build and judge files of these numbers."""
    originals = Originals(Workplace(folder), write_originals(_made(folder / "originals")))
    place = originals.place
    compile_checksums()
    for number in numbers:
        rng = np.random.default_rng(number)
        original = originals.paths[number % len(originals.paths)]
        kind = choose_kind(rng)
        built = originals.build(original)
        place.take(original)
        # What leads to other files leads to one that is there.
        shutil.copyfile(originals.paths[0], place.source.parent / originals.paths[0].name)
        corrupted = run_forked(
            lambda _, kind=kind, rng=rng: CORRUPTIONS[kind](place.source, rng),
            folder=folder,
            timeout_seconds=_TIMEOUT_SECONDS,
        )
        assert corrupted.problem is None, f"file {number} ({kind}): {corrupted.problem}"
        yield _judge(place, number, kind, built)


def _judge(place: Workplace, number: int, kind: str, original: Path) -> Judged:
    before = _stamps(place.source.parent)
    ending = place.build(is_whole=number % _WHOLE_EVERY == 0)
    told = [something for something in ending.told if "step" in something]
    problems = [ending.problem] if ending.problem else []
    problems += [f"{told['step']}: {told['trace']}" for told in told if told["trace"]]
    problems += [f"{told['step']} says nothing" for told in told if not told["message"].strip()]
    problems += [f"written outside: {told['outside']}" for told in ending.told if "outside" in told]
    problems += ["a traceback was printed: " + ending.said[-3000:]] if "Traceback" in ending.said else []
    problems += [f"left behind: {path}" for path in _left_behind(place)]
    problems += ["the files beside the lake changed"] if _stamps(place.source.parent) != before else []
    dataset = place.layout.dataset(DATASET_ID)
    compared: dict[str, str] = {}
    if dataset.exists():
        if kind in LEAD_OUTSIDE:
            problems.append("what leads out of the file was not refused")
        compared, wrong = _compare(place, dataset, original)
        problems += [] if kind in OF_STRUCTURES and compared.get("as original") == EQUAL else wrong
    verdict, detail = _sum_up(told, compared, problems)
    return Judged(number, kind, verdict, detail, ending.seconds, ending.peak_bytes)


def _sum_up(told: list[dict[str, Any]], compared: dict[str, str], problems: list[str]) -> tuple[str, str]:
    unread = [f"{part}: {outcome}" for part, outcome in compared.items() if outcome.startswith("unread")]
    if problems:
        return BAD, "\n".join(problems)
    if told:
        return REFUSED, f"{told[0]['step']}: {told[0]['message']}"
    if compared.get("as original") == EQUAL:
        return SAME, "; ".join(unread)
    return (NOT_COMPARED if unread else EQUAL_TO_SOURCE), "; ".join(unread)


def _compare(place: Workplace, dataset: Path, original: Path) -> tuple[dict[str, str], list[str]]:
    """Compare tables with those of the original, each other, and the source as another process reads it."""

    def work(tell: Callable[[Any], None]) -> None:
        differing = differing_tables(dataset, original)
        tell(("as original", EQUAL if not differing else f"not so: {differing}"))
        for outcome in compare_with_each_other(dataset):
            tell(outcome)
        tell(("source", "unread: ended the process"))
        source = place.layout.raw_h5ad(DATASET_ID)
        for outcome in compare_with_source(source, dataset) if (dataset / "profile.json").exists() else ():
            tell(outcome)
        tell(("source", EQUAL))

    ending = run_forked(work, folder=place.folder, timeout_seconds=_TIMEOUT_SECONDS)
    compared: dict[str, str] = dict(ending.told)
    wrong = [f"{part}: {outcome}" for part, outcome in compared.items() if outcome.startswith("differs")]
    if "source" not in compared:
        wrong.append(f"the tables cannot be compared: {ending.problem}")
    return compared, wrong


def _left_behind(place: Workplace) -> list[Path]:
    """List what lies where nothing should: stages, other files of the lake, files outside it."""
    layout = place.layout
    known = {"inbox", "raw", "datasets", "catalogue", ".staging"}
    strangers = [path for path in layout.root.glob("*") if path.name not in known]
    around = {layout.root, place.source.parent, place.nowhere}
    strangers += [path for path in layout.root.parent.iterdir() if path not in around]
    stages = [path for path in layout.staging.glob("*") if "~" in path.name]
    ours = {f"{DATASET_ID}.h5ad", f"{DATASET_ID}.json"}
    others = [
        path for folder in (layout.inbox, layout.raw) for path in folder.glob("*") if path.name not in ours
    ]
    others += [path for path in layout.datasets.glob("*") if path.name != DATASET_ID]
    of_all = {layout.split_plan, layout.split_marks}
    others += [path for path in layout.catalogue.parent.glob("*") if path not in of_all]
    return [*strangers, *stages, *others, *place.nowhere.rglob("*")]


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()}


def _tell_what_was_loaded(tell: Callable[[Any], None]) -> None:
    modules = [name for name, module in sys.modules.items() if getattr(module, "__spec__", None)]
    kernels = [(*at, kernel.nopython_signatures) for at, kernel in _kernels()]
    tell({"loaded": pickle.dumps((modules, kernels)).hex()})


def _load(told: bytes) -> None:
    """Import what a fork imported, and compile the kernels that it used: the next has them from the start."""
    modules, kernels = pickle.loads(told)  # noqa: S301 - of a fork of ours, that built an original
    for name in modules:
        if name not in sys.modules:
            importlib.import_module(name)
    here = dict(_kernels())
    for module, name, signatures in kernels:
        for signature in signatures:
            if signature not in here[module, name].nopython_signatures:
                here[module, name].compile(signature.args)


def _kernels() -> Iterator[tuple[tuple[str, str], Dispatcher]]:
    for module in [module for name, module in sys.modules.items() if name.startswith("c2s_assets.")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, Dispatcher):
                yield (module.__name__, name), value


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main() -> int:
    """Judge files and print what came of them, then a table; 1 if any is bad."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n_files", type=int, metavar="N")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--step", type=int, default=1, help="by which the numbers grow")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="after which no other is begun")
    parser.add_argument("--quiet", action="store_true", help="print the bad ones only")
    options = parser.parse_args()
    judged: list[Judged] = []
    until = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory() as folder:
        numbers = range(options.first, options.first + options.n_files * options.step, options.step)
        in_time = itertools.takewhile(lambda _: time.monotonic() < until, numbers)
        for one in judge_files(Path(folder), in_time):
            judged.append(one)
            if one.verdict == BAD or not options.quiet:
                took = f"{one.seconds:.2f} s, {one.peak_bytes / 2**20:,.0f} MB"
                _say(f"{one.number} ({one.kind}) {one.verdict}: [{took}] {one.detail}")
    _say(table_of(judged))
    return int(any(one.verdict == BAD for one in judged))


def table_of(judged: list[Judged]) -> str:
    """Count files by kind of corruption and verdict, with what they took, and refusals by step."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in judged:
        counts[one.kind][one.verdict] += 1
    rows = [f"{'':32}" + "".join(f"{verdict:>17}" for verdict in VERDICTS)]
    for kind in [*sorted(counts), "all"]:
        of_kind = counts[kind] if kind != "all" else Counter(one.verdict for one in judged)
        rows.append(f"{kind:32}" + "".join(f"{of_kind[verdict]:>17}" for verdict in VERDICTS))
    refused = [one.detail for one in judged if one.verdict == REFUSED]
    steps = Counter(detail.partition(":")[0] for detail in refused)
    rows.append("refused by " + ", ".join(f"{step} {n}" for step, n in steps.most_common()))
    n_ended = sum("crashes the HDF5" in detail or "too much memory" in detail for detail in refused)
    rows.append(f"of these, {n_ended} ended the process that surveyed them")
    seconds = [one.seconds for one in judged]
    rows.append(
        f"processor time of a file: mean {np.mean(seconds):.2f} s, most {max(seconds):.1f} s; peak memory "
        f"{max(one.peak_bytes for one in judged) / 2**20:,.0f} MB"
    )
    return "\n".join(rows)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if os.environ.keys() >= _ONE_THREAD.keys():
        sys.exit(main())
    os.execve(sys.executable, sys.orig_argv, os.environ | _ONE_THREAD)  # noqa: S606 - this module
