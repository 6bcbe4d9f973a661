"""Builds datasets of a test's lake through Dagster, and finds results."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dagster as dg
import polars as pl

from c2s_assets.core.splits.sides import SIDES
from c2s_assets.definitions import build_definitions
from c2s_assets.defs.resources import Cellxgene, Hgnc, HuggingFace, Store
from c2s_assets.defs.service import BuildReport, build, register
from c2s_assets.schemas.registry import tables_of_any_dataset, upstream
from c2s_assets.storage.lake.layout import Layout


@dataclass(frozen=True)
class Workshop:
    """A lake and a Dagster instance of its own."""

    layout: Layout
    instance: dg.DagsterInstance
    rows_per_block: int = 1024
    hgnc_url: str = "http://127.0.0.1:9/unreachable"
    cellxgene_url: str = "http://127.0.0.1:9/unreachable"
    hub_url: str = "http://127.0.0.1:9/unreachable"

    @cached_property
    def definitions(self) -> dg.Definitions:
        """The definitions with this lake."""
        store = Store(root=str(self.layout.root), rows_per_block=self.rows_per_block)
        cellxgene = Cellxgene(base_url=self.cellxgene_url)
        hub = HuggingFace(endpoint=self.hub_url)
        return build_definitions(
            {"store": store, "hgnc": Hgnc(url=self.hgnc_url), "cellxgene": cellxgene, "hub": hub}
        )

    def build(self, dataset_id: str, *wanted: str) -> BuildReport:
        """Build some tables and what they are made of; by default all that cells of no tissue can have."""
        assets = upstream(wanted) if wanted else tables_of_any_dataset()
        return build(self.instance, self.definitions, dataset_id, assets=assets)

    def read(self, table: str, dataset_id: str) -> pl.DataFrame:
        """Read a table of one file, or a folder of parts."""
        single = self.layout.table(table, dataset_id)
        path = single if single.exists() else self.layout.parts(table, dataset_id) / "*.parquet"
        return pl.read_parquet(path)

    def train_test(self, dataset_id: str) -> pl.DataFrame:
        """Read all sides; `side` is the folder a row is in."""
        sides = [
            pl.read_parquet(folder / "chunk_*.parquet").with_columns(pl.lit(side).alias("side"))
            for side in SIDES
            if (folder := self.layout.parts(side, dataset_id)).exists()
        ]
        return pl.concat(sides)


def copy_lake(built: Layout, folder: Path) -> Layout:
    """Copy a lake below a test's folder, so that what is built in it need not be built for each test."""
    return Layout(shutil.copytree(built.root, folder / "lake"))


@contextmanager
def open_workshop(layout: Layout, **options: int | str) -> Iterator[Workshop]:
    """Open a workshop whose instance lives in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Workshop(layout, instance, **options)  # type: ignore[arg-type]


def build_only(workshop: Workshop, dataset_id: str, *assets: str) -> dg.ExecuteInProcessResult:
    """Build some assets of a dataset in a run of their own, as `Materialize selected` of the UI does."""
    register(workshop.instance, dataset_id)
    job = workshop.definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection={dg.AssetKey(asset) for asset in assets}
    )
    return job.execute_in_process(instance=workshop.instance, partition_key=dataset_id, raise_on_error=False)


def failures(report: BuildReport) -> dict[str, str]:
    """Why each asset that failed did so."""
    return {step.asset: step.problem for step in report.steps if step.problem}


def broken(report: BuildReport) -> set[str]:
    """The checks that did not hold, as asset/claim."""
    return {f"{check.asset}/{check.claim}" for check in report.broken}


def files_below(folder: Path) -> dict[str, bytes]:
    """The bytes of every file, by its path below the folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def debris(layout: Layout) -> list[Path]:
    """What stages have left behind."""
    return [path for path in layout.staging.iterdir() if "~" in path.name]
