import pandera.polars as pr
import polars as pl
import pyarrow as pa

from c2s_assets.schemas.columns import column, declared_columns


class Toy(pr.DataFrameModel):
    toy_id: str = column("Name of the toy.", unique=True)
    age: pl.Float32 = column("Age.", unit="years", null="before it was made", ge=0)
    parts: pl.List = column("Its parts.", items=pl.String())


def test_a_column_says_what_it_holds_in_which_unit_and_when_it_is_null():
    age = declared_columns(Toy)["age"]
    assert age.description == "Age, in years; null before it was made."
    assert (age.says, age.unit, age.null) == ("Age.", "years", "before it was made")


def test_a_column_is_null_only_if_it_says_when():
    assert {name: c.nullable for name, c in Toy.to_schema().columns.items()} == {
        "toy_id": False,
        "age": True,
        "parts": False,
    }


def test_a_declared_column_knows_its_type_and_whether_it_is_a_key():
    found = declared_columns(Toy)
    assert [c.type for c in found.values()] == [pa.string(), pa.float32(), pa.list_(pa.string())]
    assert [name for name, c in found.items() if c.is_key] == ["toy_id"]
