"""Replays by the clock what new users do in an empty folder: a biologist with 3 files, an operator with 30.

python -m benchmarks.sessions [biologist | operator]
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import yaml

from c2s_assets_tests.end_to_end.biologist_files import write_mouse, write_seurat, write_tenx

_N_OBS, _N_VARS = 4_000, 20_000
_OF_BIOLOGIST: Mapping[str, Callable[..., Path]] = {
    "tenx": write_tenx,
    "liver": write_seurat,
    "mice": write_mouse,
}
_OF_OPERATOR, _CELLS_OF_OPERATOR = 30, 300


@dataclass
class Session:
    """Somebody at a prompt in a folder; made when the first command is about to be typed.

    Attributes
    ----------
    folder
        Holds the user's files, and ``lake``.
    """

    folder: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def lake(self) -> Path:
        """Where the lake is: what `c2s` takes if nobody names another."""
        return self.folder / "lake"

    def type(self, *arguments: str) -> str:
        """Run a command, print a row of how long it took, and return what it says."""
        began, used = time.monotonic(), _processor_seconds()
        left_out = ("C2S_LAKE", "DAGSTER_HOME", "PYTHONDONTWRITEBYTECODE")
        done = subprocess.run(
            [sys.executable, "-m", "c2s_assets", *arguments],
            cwd=self.folder,
            env={
                **{name: value for name, value in os.environ.items() if name not in left_out},
                "PYTHONPATH": str(Path(__file__).parents[1]),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        now = time.monotonic()
        used = _processor_seconds() - used
        said = f"`c2s {_shortened(arguments)}` | {now - began:.1f} | {used:.1f}"
        print(f"| {said} | {now - self.began:.1f} |", flush=True)
        return done.stdout

    def note(self, what: str) -> None:
        """Print a row of something that is reached."""
        print(f"| {what} | | | {time.monotonic() - self.began:.1f} |", flush=True)


def biologist(folder: Path) -> None:
    """Look at three files, write down what is proposed, and build until there is something to train on."""
    files = [
        write(folder / f"{name}.h5ad", n_obs=_N_OBS, n_vars=_N_VARS) for name, write in _OF_BIOLOGIST.items()
    ]
    print(f"Three files of {_N_OBS:,} cells and {_N_VARS:,} genes.\n")
    _head()
    session = Session(folder)
    entries: dict[str, object] = {}
    for file in files:
        said = session.type("look", file.name)
        entry = said[said.index("datasets:") :].strip()
        session.note(f"{len(entry.splitlines())} lines of yaml are proposed")
        entries |= yaml.safe_load(entry)["datasets"]
    session.type("add", *(file.name for file in files))
    (session.lake / "datasets.yaml").write_text(yaml.safe_dump({"datasets": entries}), encoding="utf-8")
    first = files[0].stem
    session.type("build", first, "--only", "cell_metadata")
    cells = pl.read_parquet(session.lake / "datasets" / first / "cell_metadata.parquet")
    n_donors, n_ages = cells["donor_id"].n_unique(), cells["age"].n_unique()
    session.note(f"the cells of {first}, of {n_donors} donors and {n_ages} ages")
    session.type("build", first, "--only", "train_test")
    session.note(f"something to train on of {first}")
    session.type("build", *(file.stem for file in files[1:]), "--only", "train_test")
    sql = "select dataset_id, count(*) as n_cells, min(age), max(age) from training group by all"
    print(f"\n{session.type('query', sql)}")


def operator(folder: Path) -> None:
    """Add a folder of 30 files by one command, and build them by another."""
    drop = folder / "files"
    drop.mkdir()
    for number in range(_OF_OPERATOR):
        write_tenx(drop / f"file_{number:02d}.h5ad", n_obs=_CELLS_OF_OPERATOR + number, n_vars=2_000)
    print(f"\n{_OF_OPERATOR} files of {_CELLS_OF_OPERATOR} cells and 2,000 genes.\n")
    _head()
    session = Session(folder)
    session.type("add", drop.name)
    session.type("build", "--outdated")
    session.type("ls")


def _head() -> None:
    print("| command | seconds | of the processor | since the first |")
    print("| --- | ---: | ---: | ---: |")


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _shortened(arguments: Sequence[str]) -> str:
    return " ".join(f"'{one}'" if " " in one else one for one in arguments)


_SESSIONS = {"biologist": biologist, "operator": operator}


def main(names: Sequence[str]) -> None:
    """Replay each session in a folder of its own."""
    for name in names:
        with tempfile.TemporaryDirectory(prefix="c2s-session-") as folder:
            _SESSIONS[name](Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:] or list(_SESSIONS))
