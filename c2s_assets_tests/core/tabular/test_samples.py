"""Sums of several datasets in one matrix, gene by gene."""

import polars as pl
import pytest

from c2s_assets.core.errors import UnknownNameError
from c2s_assets.core.tabular.samples import join_samples


def features(*ids: str, protein: str | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "feature_id": ids,
            "symbol": [name.upper() for name in ids],
            "feature_kind": ["protein" if name == protein else "gene" for name in ids],
        }
    )


def table(*rows: tuple[list[int], list[float]]) -> pl.DataFrame:
    lists = {"feature_index": pl.List(pl.Int32), "value": pl.List(pl.Float32)}
    of_rows = pl.DataFrame(rows, schema=lists, orient="row")
    return of_rows.with_columns(donor_uid=pl.lit("d"), frac_detected=pl.lit([0.5]))


def test_columns_are_the_genes_that_all_datasets_have() -> None:
    samples = join_samples(
        {"one": table(([0, 1, 3], [1, 2, 3]), ([2], [4])), "two": table(([0, 1, 2], [5, 6, 7]))},
        {
            "one": features("a", "b", "c", "cd3", protein="cd3"),
            "two": features("c", "cd3", "a", protein="cd3"),
        },
    )
    assert samples.genes.rows() == [("a", "A"), ("c", "C")]
    assert samples.X.toarray().tolist() == [[1, 0], [0, 4], [7, 5]]
    assert samples.X.has_sorted_indices
    assert samples.rows.columns == ["dataset_id", "donor_uid"]
    assert samples.rows["dataset_id"].to_list() == ["one", "one", "two"]


def test_datasets_without_a_gene_in_common_are_refused() -> None:
    tables = {"human": table(([0], [1])), "mouse": table(([0], [1]))}
    with pytest.raises(UnknownNameError, match="human has a, mouse has b"):
        join_samples(tables, {"human": features("a"), "mouse": features("b")})
