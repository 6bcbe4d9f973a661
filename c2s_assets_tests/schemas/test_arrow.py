import polars as pl
import pyarrow as pa
import pytest
from pandera import polars as pr

from c2s_assets.schemas import leaks, tables
from c2s_assets.schemas.arrow import arrow_schema, frame_schema
from c2s_assets.schemas.images import NAMED_IMAGE
from c2s_assets.schemas.tables import CellSentences, SplitManifest

MODELS = sorted(
    (
        model
        for model in (*vars(tables).values(), *vars(leaks).values())
        if isinstance(model, type) and issubclass(model, pr.DataFrameModel) and model is not pr.DataFrameModel
    ),
    key=lambda model: model.__name__,
)
ON_DISK = {
    *(pa.string(), pa.int32(), pa.int64(), pa.float32(), pa.bool_(), pa.date32(), pa.binary()),
    NAMED_IMAGE,
}


def test_all_models_are_looked_at():
    assert {"CellMetadata", "TrainTest", "DonorAliases", "CellCopies"} <= {m.__name__ for m in MODELS}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_gives_types_that_every_reader_has(model):
    schema = arrow_schema(model)
    assert schema.names == list(model.to_schema().columns)
    assert {getattr(field.type, "value_type", field.type) for field in schema} <= ON_DISK


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_column_of_every_model_is_described(model):
    assert all(column.description for column in model.to_schema().columns.values())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_table_of_the_arrow_schema_keeps_the_model(model):
    """The model is the definition: what is written by the derived schema must come back as it declares."""
    empty = pl.DataFrame(arrow_schema(model).empty_table())
    model.validate(empty, lazy=True)


def test_columns_may_be_missing_where_the_model_says_so():
    nullable = {field.name: field.nullable for field in arrow_schema(SplitManifest)}
    assert (nullable["reason"], nullable["donor_uid"], nullable["fold"]) == (False, True, True)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_polars_reads_what_arrow_writes(model):
    assert pl.DataFrame(arrow_schema(model).empty_table()).schema == frame_schema(model)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (pl.String(), pa.string()),
        (pl.Boolean(), pa.bool_()),
        (pl.Date(), pa.date32()),
        (pl.Int8(), pa.int32()),
        (pl.Int16(), pa.int32()),
        (pl.Int32(), pa.int32()),
        (pl.Int64(), pa.int64()),
        (pl.UInt8(), pa.int32()),
        (pl.UInt16(), pa.int32()),
        (pl.UInt32(), pa.int64()),
        (pl.UInt64(), pa.int64()),
        (pl.Float32(), pa.float32()),
        (pl.Float64(), pa.float64()),
        (pl.List(pl.Float32), pa.list_(pa.float32())),
        (pl.List(pl.List(pl.UInt8)), pa.list_(pa.list_(pa.int32()))),
    ],
    ids=str,
)
def test_columns_of_the_source_get_a_type_that_holds_their_values(dtype, expected):
    schema = arrow_schema(CellSentences, further=pl.Schema({"own": dtype}))
    assert schema.names[-1] == "own"
    assert schema.field("own").type == expected
    assert schema.field("own").nullable


def test_columns_of_the_source_stand_behind_ours_in_their_order():
    further = pl.Schema({"b": pl.Int8(), "cell_id": pl.Int8(), "a": pl.Int8()})
    schema = arrow_schema(CellSentences, further=further)
    assert schema.names == [
        *("cell_id", "cell_sentence", "n_expressed", "sentence_length", "n_above_ties", "tie_share"),
        *("b", "a"),
    ]
    assert schema.field("cell_id").type == pa.string()


class Wide(pr.DataFrameModel):
    value: pl.Float64


class Lists(pr.DataFrameModel):
    feature_index: pl.List = pr.Field(dtype_kwargs={"inner": pl.Int32()})
    observed: pl.Date


def test_our_own_columns_are_never_float64():
    with pytest.raises(TypeError, match="column value has type Float64, which we do not write"):
        arrow_schema(Wide)


def test_our_own_columns_may_be_lists_and_dates():
    assert [field.type for field in arrow_schema(Lists)] == [pa.list_(pa.int32()), pa.date32()]


@pytest.mark.parametrize(
    "dtype",
    [pl.Categorical(), pl.Datetime(time_zone="UTC"), pl.Struct({"a": pl.Int8()}), pl.Null(), pl.Binary()],
    ids=str,
)
def test_types_that_not_every_reader_has_are_refused(dtype):
    with pytest.raises(TypeError, match="column own has type"):
        arrow_schema(CellSentences, further=pl.Schema({"own": dtype}))
