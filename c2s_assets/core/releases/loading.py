"""Code that loads what a card is about, as it stands in the card; a test runs each line."""

from collections.abc import Mapping, Sequence

from c2s_assets.core.releases.facts import PublishedTable


def loading_a_corpus(
    repo_id: str, sides: Mapping[str, tuple[str, ...]], tables: Sequence[PublishedTable]
) -> list[tuple[str, str]]:
    """Load one dataset, and all, of a repository of the Hub with `datasets`, Polars, DuckDB and pandas."""
    named = {one.name for one in tables}
    dataset_id = next(name for name, of_dataset in sides.items() if of_dataset and name not in named)
    side = sides[dataset_id][0]
    datasets = [
        "from datasets import load_dataset",
        "",
        f'cells = load_dataset("{repo_id}")  # all datasets',
        f'cells = load_dataset("{repo_id}", "{dataset_id}")  # one of them',
        f'cells = load_dataset("{repo_id}", "{dataset_id}", streaming=True)  # row by row, nothing is kept',
    ]
    files = [
        "from huggingface_hub import snapshot_download",
        "",
        f'folder = snapshot_download("{repo_id}", repo_type="dataset", allow_patterns="{dataset_id}/*")',
    ]
    return [
        ("With `datasets`; a `revision` is a version of the release:", "\n".join(datasets)),
        ("As files; without `allow_patterns`, all of them:", "\n".join(files)),
        *loading_files(f"{dataset_id}/{side}"),
    ]


def loading_a_folder(dataset_id: str, sides: Sequence[str]) -> list[tuple[str, str]]:
    """Load a dataset as it lies in a lake; of one without a cell on any side there is nothing to load."""
    if not sides:
        return []
    datasets = [
        "from datasets import load_dataset",
        "",
        f'folder = "datasets/{dataset_id}"',
        "cells = load_dataset(folder)",
    ]
    said = "In the folder of the lake, with `datasets`, which keeps what it has read once:"
    return [(said, "\n".join(datasets)), *loading_files(sides[0])]


def loading_files(side: str) -> list[tuple[str, str]]:
    """Load the files of a side, which lie in `folder`, with Polars, DuckDB and pandas."""
    polars = [
        "import polars as pl",
        "",
        f'rows = pl.scan_parquet(f"{{folder}}/{side}/*.parquet")',
        'rows = rows.select("cell_id", "cell_sentence", "age").collect()',
    ]
    query = f"from '{{folder}}/{side}/*.parquet' select tissue, count(*) as n_cells group by tissue"
    duckdb = ["import duckdb", "", f'counted = duckdb.sql(f"{query}").pl()']
    pandas = [
        "import pandas as pd",
        "",
        f'frame = pd.read_parquet(f"{{folder}}/{side}", columns=["cell_id", "cell_sentence", "age"])',
    ]
    return [
        ("Polars reads only the columns that are asked for:", "\n".join(polars)),
        ("DuckDB:", "\n".join(duckdb)),
        ("pandas:", "\n".join(pandas)),
    ]
