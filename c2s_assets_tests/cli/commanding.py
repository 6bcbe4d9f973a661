"""Runs `c2s` in this process: as a user does, but without the seconds that a new process takes to import."""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import dagster as dg

from c2s_assets import definitions
from c2s_assets.cli.main import main
from c2s_assets.defs.resources import Cellxgene, Hgnc, HuggingFace, Store
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.locating import find_lake

_NOWHERE = "http://127.0.0.1:9/unreachable"


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


def c2s(*arguments: str | Path, lake: Path | str, cellxgene: str = _NOWHERE, hub: str = _NOWHERE) -> Said:
    """Run one command to its end; the networks that it could ask are not there, but for local ones."""
    before, definitions.defs = definitions.defs, _definitions(str(lake), cellxgene=cellxgene, hub=hub)
    out, err = io.StringIO(), io.StringIO()
    try:
        with _environment({"C2S_LAKE": str(lake)}), redirect_stdout(out), redirect_stderr(err):
            status = main([str(argument) for argument in arguments])
    finally:
        definitions.defs = before
    return Said(status, out.getvalue(), err.getvalue())


@lru_cache(maxsize=2)
def _definitions(lake: str, *, cellxgene: str, hub: str) -> dg.Definitions:
    return definitions.build_definitions(
        {
            # Of a lake in a bucket the command itself says where its working copy is.
            "store": Store(root=dg.EnvVar("C2S_LAKE") if lake.startswith("s3://") else lake),
            "hgnc": Hgnc(url=_NOWHERE),
            "cellxgene": Cellxgene(base_url=cellxgene),
            "hub": HuggingFace(endpoint=hub),
        }
    )


@dataclass(frozen=True)
class Machine:
    """A machine with a cache of its own, which finds the same lake as all others."""

    cache: Path
    address: str

    def c2s(self, *arguments: str | Path, cellxgene: str = _NOWHERE, hub: str = _NOWHERE) -> Said:
        """Run one command there."""
        with _environment({"C2S_CACHE": str(self.cache)}):
            return c2s(*arguments, lake=self.address, cellxgene=cellxgene, hub=hub)

    def layout(self) -> Layout:
        """Return its copy of the lake, as it is now."""
        with _environment({"C2S_CACHE": str(self.cache)}):
            return find_lake(self.address)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables and, for as long as that, no home of Dagster's but that of the lake."""
    before = dict(os.environ)
    os.environ.pop("DAGSTER_HOME", None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
