import polars as pl
import pytest

from c2s_assets.schemas import violations as module
from c2s_assets.schemas.tables import CellMetadata, CellSentences, GeneSymbols
from c2s_assets.schemas.violations import keeps_schema, larger, violations


def sentences(**columns):
    return pl.DataFrame(
        {
            "cell_id": ["a", "b"],
            "cell_sentence": ["TP53 MYC", ""],
            "n_expressed": pl.Series([2, 0], dtype=pl.Int32),
            "sentence_length": pl.Series([2, 0], dtype=pl.Int32),
            "n_above_ties": pl.Series([1, 0], dtype=pl.Int32),
            "tie_share": pl.Series([0.5, None], dtype=pl.Float32),
            **columns,
        }
    )


def symbols(**columns):
    return pl.DataFrame(
        {
            "hgnc_id": ["HGNC:11998"],
            "symbol": ["TP53"],
            "feature_id": ["ENSG00000141510"],
            "previous_symbols": pl.Series([[]], dtype=pl.List(pl.String)),
            "alias_symbols": [["p53", "LFS1"]],
            **columns,
        }
    )


def test_a_table_that_keeps_its_model_has_no_violations():
    found = violations(sentences(), CellSentences)
    assert found.is_empty()
    assert found.columns == ["column", "rule", "found", "row"]
    assert violations(symbols(), GeneSymbols).is_empty()


def test_no_rows_keep_every_model():
    assert violations(sentences()[:0], CellSentences).is_empty()


def test_further_columns_are_allowed_where_the_source_brings_its_own():
    assert violations(sentences(cell_sentence_few=["x", "y"]), CellSentences).is_empty()


@pytest.mark.parametrize(
    ("rows", "model", "expected"),
    [
        (sentences(n_expressed=pl.Series([2, -1], dtype=pl.Int32)), CellSentences, ("n_expressed", "-1", 1)),
        (sentences(cell_sentence=["x", None]), CellSentences, ("cell_sentence", None, 1)),
        (sentences(cell_id=["", "b"]), CellSentences, ("cell_id", "", 0)),
        (sentences(n_expressed=[2, 0]), CellSentences, ("n_expressed", "Int64", None)),
        (sentences().drop("n_expressed"), CellSentences, ("n_expressed", None, None)),
        (symbols(more=[1]), GeneSymbols, ("more", None, None)),
        (symbols(feature_id=["ENSA"]), GeneSymbols, ("feature_id", "ENSA", 0)),
        (symbols(feature_id=["ENSG00000141510\n"]), GeneSymbols, ("feature_id", "ENSG00000141510\n", 0)),
        (pl.concat([symbols(), symbols()]), GeneSymbols, ("hgnc_id", "HGNC:11998", 0)),
    ],
    ids=[
        "out of range",
        "missing value",
        "empty text",
        "wrong type",
        "missing column",
        "column too many",
        "pattern",
        "pattern before a line break",
        "repeated",
    ],
)
def test_a_violation_names_column_value_and_row(rows, model, expected):
    assert violations(rows, model).select("column", "found", "row").row(0) == expected


def test_an_age_that_is_no_number_is_a_violation():
    ages = pl.DataFrame({"age": [float("nan"), 151.0, 20.0, None]}, schema={"age": pl.Float32})
    found = violations(ages, CellMetadata).filter(pl.col("column") == "age")
    assert found.select("found", "row").rows() == [("NaN", 0), ("151.0", 1)]


def test_a_table_in_blocks_keeps_its_schema():
    finding = keeps_schema([sentences(), sentences()], CellSentences)
    assert (finding.claim, finding.holds) == ("keeps_schema", True)
    assert finding.message == "4 rows keep the schema CellSentences."


def test_no_blocks_keep_the_schema():
    assert keeps_schema([], CellSentences).figures == {"n_rows": 0, "n_violations": 0}


def test_rows_are_counted_through_all_blocks():
    bad = sentences(n_expressed=pl.Series([2, -1], dtype=pl.Int32))
    finding = keeps_schema([sentences(), bad], CellSentences)
    assert not finding.holds
    assert finding.rows is not None
    assert finding.rows["row"].to_list() == [3]
    assert finding.message == (
        "1 values break the schema CellSentences: column n_expressed breaks greater_than_or_equal_to(0), "
        "row 3 holds '-1'. Correct the source and add it again."
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (sentences().drop("n_expressed"), "column n_expressed breaks column_in_dataframe. Correct"),
        (sentences(n_expressed=[2, 0]), "column n_expressed breaks dtype('Int32'), it is Int64. Correct"),
    ],
    ids=["missing column", "wrong type"],
)
def test_a_rule_of_a_whole_column_names_no_row(rows, message):
    assert message in keeps_schema([rows], CellSentences).message


@pytest.mark.parametrize("at_once", [0, 64 * 2**20], ids=["each alone", "together"])
def test_however_many_blocks_are_looked_at_at_once_each_violation_has_its_row(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(module, "_BYTES_AT_ONCE", at_once)
    other_type = sentences(n_expressed=[2, 0])
    blocks = [sentences(), sentences(cell_sentence=["x", None]), other_type, sentences(cell_id=["", "b"])]
    found = keeps_schema(larger(blocks), CellSentences)
    assert found.figures == {"n_rows": 8, "n_violations": 3}
    assert found.rows["row"].to_list() == [3, None, 6]
