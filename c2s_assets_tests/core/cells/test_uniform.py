import json

import polars as pl
import pytest

from c2s_assets.core.cells.uniform import (
    CELLS,
    TRAINING,
    training_schema,
    uniform_columns,
    with_source_columns,
)
from c2s_assets.core.columns import SOURCE_COLUMNS
from c2s_assets.schemas.arrow import arrow_columns
from c2s_assets.schemas.catalogue import CATALOGUE

SCHEMA = pl.Schema({"cell_id": pl.String, "age": pl.Float32, "sex": pl.String, "labels": pl.List(pl.String)})


def uniform(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(uniform_columns(rows.schema, SCHEMA))


def test_what_is_lacking_is_null_and_what_is_not_declared_is_json() -> None:
    rows = pl.DataFrame({"bmi": [21.5, float("nan")], "cell_id": ["a", "b"], "site": ["x", None]})
    assert uniform(rows).rows() == [
        ("a", None, None, None, '{"bmi":21.5,"site":"x"}'),
        ("b", None, None, None, '{"bmi":null,"site":null}'),
    ]
    assert uniform(rows).schema == with_source_columns(SCHEMA)


def test_types_are_the_declared_ones_whatever_a_source_has() -> None:
    rows = pl.DataFrame({"cell_id": [1, 2], "sex": [True, None], "labels": ["one", "two"]})
    found = uniform(rows)
    assert found.schema == with_source_columns(SCHEMA)
    assert found["sex"].to_list() == ["true", None]
    assert found["labels"].to_list() == [None, None], "a text is not taken for a list"
    assert json.loads(found[SOURCE_COLUMNS][0]) == {"labels": "one"}


def test_a_dataset_without_columns_of_its_own_has_an_empty_object() -> None:
    assert uniform(pl.DataFrame({"cell_id": ["a"]}))[SOURCE_COLUMNS].to_list() == ["{}"]


@pytest.mark.parametrize("name", ["*", "^.*$", SOURCE_COLUMNS, 'a"b\n', "é"])
def test_no_name_of_a_source_is_taken_for_anything_but_a_name(name: str) -> None:
    rows = pl.DataFrame({"cell_id": ["a"], name: [1]})
    assert json.loads(uniform(rows)[SOURCE_COLUMNS][0]) == {name: 1}


def test_blocks_give_what_the_whole_table_gives() -> None:
    rows = pl.DataFrame({"cell_id": list("abcd"), "own": [1, 2, None, 4]})
    blocks = pl.concat([uniform(rows.slice(start, 1)) for start in range(4)])
    assert blocks.equals(uniform(rows))
    lazily = rows.lazy().select(uniform_columns(rows.schema, SCHEMA)).collect()
    assert lazily.equals(blocks)


def test_each_gene_list_is_a_column_and_cells_have_no_side() -> None:
    schema = training_schema(["ribosomal"])
    assert list(schema)[: len(TRAINING)] == list(TRAINING)
    assert list(schema)[-1] == "cell_sentence_ribosomal"
    assert set(TRAINING) - set(CELLS) >= {"split", "fold", "cell_sentence"}
    assert set(CELLS) < set(TRAINING)


@pytest.mark.parametrize(("view", "schema"), [("cells", CELLS), ("training", TRAINING)])
def test_columns_and_types_are_those_that_the_catalogue_declares(view: str, schema: pl.Schema) -> None:
    declared = {column.name: column.type for column in CATALOGUE[view].columns}
    assert {field.name: field.type for field in arrow_columns(schema)} == declared
