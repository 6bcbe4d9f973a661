"""What a release holds beside the cells: its words, and of each dataset what was built and goes with them."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import polars as pl
import pyarrow as pa

from c2s_assets.core.columns import DATASET_ID, FEATURE_ID, SPLIT, SYMBOL
from c2s_assets.core.genes.features import N_CELLS
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.arrow import arrow_schema, frame_schema
from c2s_assets.schemas.published import ReleaseVocabulary
from c2s_assets.schemas.record import Built
from c2s_assets.schemas.registry import FEATURES, TABLES
from c2s_assets.schemas.tables import SplitPlan
from c2s_assets.storage.choosing import files_of
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables.parquet import TableWriter, iter_table, read_table, with_metadata, write_table

VOCABULARY = "vocabulary.parquet"
PROMPTS, PSEUDOBULK = "training_prompts", "pseudobulk"
# Tables that go into a release where they are built, and what their configs are called.
WITH_SIDES = {PROMPTS: "prompts", PSEUDOBULK: "pseudobulk"}
# What the indices of pseudobulk mean, so that it is there where that is.
OF_FEATURES = {FEATURES: "features"}


def folder_of(config: str) -> str:
    """Name the folder of a table; folders of datasets do not begin like it."""
    return f"_{config}"


def owner_of(path: str) -> str | None:
    """Name the dataset that a file of a release is of; None of those that are of all."""
    place, _, rest = path.partition("/")
    if not rest:
        return None
    if not place.startswith("_"):
        return place
    name = rest.removesuffix(".parquet")
    if place in map(folder_of, WITH_SIDES.values()):
        return name.rpartition(".")[0]
    return name if place in map(folder_of, OF_FEATURES.values()) else None


def write_beside(folder: Path, layout: Layout, dataset_id: str, tables: Mapping[str, Built]) -> None:
    """Write tables of a dataset, with its id in every row: a file of each side, and of features one."""
    for table, built in tables.items():
        if table in WITH_SIDES:
            _write_sides(folder / folder_of(WITH_SIDES[table]), table, dataset_id, files_of(layout, built))
        else:
            path = folder / folder_of(OF_FEATURES[table]) / f"{dataset_id}.parquet"
            path.parent.mkdir(exist_ok=True)
            schema = published_schema(table)
            rows = read_table(layout.table(table, dataset_id), columns=schema.names[1:])
            write_table(path, _with_dataset(rows, dataset_id), schema=schema)


def write_vocabulary(folder: Path, layout: Layout, dataset_ids: Iterable[str]) -> None:
    """Write the symbols that cells of these datasets express.

    Of features of a dataset that share a symbol the one in most cells counts, as a sentence names it once.
    """
    words = frame_schema(ReleaseVocabulary).to_frame()
    for dataset_id in dataset_ids:
        features = read_table(layout.table(FEATURES, dataset_id), columns=[SYMBOL, FEATURE_ID, N_CELLS])
        own = features.filter(pl.col(N_CELLS) > 0).drop_nulls(SYMBOL).group_by(SYMBOL)
        counted = own.agg(
            pl.col(FEATURE_ID).alias("feature_ids"),
            pl.lit(1, pl.Int64).alias("n_datasets"),
            pl.col(N_CELLS).max(),
        )
        both = pl.concat([words, counted.select(words.columns)])
        words = both.group_by(SYMBOL).agg(
            pl.col("feature_ids").explode().unique(), pl.col("n_datasets").sum(), pl.col(N_CELLS).sum()
        )
    schema = with_metadata(arrow_schema(ReleaseVocabulary), {"table": "vocabulary"})
    rows = words.with_columns(pl.col("feature_ids").list.sort()).sort(SYMBOL)
    write_table(folder / VOCABULARY, rows, schema=schema)


def published_schema(table: str) -> pa.Schema:
    """Give the columns of a table as a release has it: the dataset, and those that are declared."""
    of_dataset = arrow_schema(SplitPlan).field(DATASET_ID)
    return with_metadata(pa.schema([of_dataset, *arrow_schema(TABLES[table].model)]), {"table": table})


def _write_sides(folder: Path, table: str, dataset_id: str, files: Iterable[Path]) -> None:
    folder.mkdir(exist_ok=True)
    schema = published_schema(table)
    with ExitStack() as stack:
        writers = {
            side: stack.enter_context(TableWriter(folder / f"{dataset_id}.{side}.parquet", schema=schema))
            for side in SIDES
        }
        for block in (block for path in files for block in iter_table(path)):
            for (side,), rows in block.group_by(SPLIT, maintain_order=True):
                writers[str(side)].write(_with_dataset(rows, dataset_id))


def _with_dataset(rows: pl.DataFrame, dataset_id: str) -> pl.DataFrame:
    return rows.with_columns(pl.lit(dataset_id).alias(DATASET_ID))
