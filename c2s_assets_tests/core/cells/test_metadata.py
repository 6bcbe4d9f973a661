import polars as pl
import pytest

from c2s_assets.core.cells.metadata import ADDED_COLUMNS, describe_cells, own_names, split_columns
from c2s_assets.core.cells.survey import survey_cells
from c2s_assets.core.errors import MissingColumnError
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.schemas.tables import CellMetadata
from c2s_assets.schemas.violations import violations

NOTHING = DatasetEntry()


def describe(obs, entry=NOTHING, **options):
    obs = pl.DataFrame(obs)
    cell_ids = pl.Series("_index", [f"cell{i}" for i in range(max(obs.height, 1))])
    survey = survey_cells(obs.columns, obs.get_column, entry=entry, organism=options.get("organism"))
    return describe_cells(cell_ids, obs, survey=survey, dataset_id="atlas", entry=entry, **options)


# --- all columns


def test_every_dataset_has_our_columns_even_if_obs_has_none():
    cells = describe({})
    assert tuple(cells.columns) == ADDED_COLUMNS
    known = {"cell_id": "cell0", "dataset_id": "atlas", "has_known_donor": False}
    known |= {"age_method": "unknown", "life_stage": "unknown"}
    assert cells.row(0, named=True) == dict.fromkeys(ADDED_COLUMNS) | known
    assert violations(cells, CellMetadata).is_empty()


def test_own_columns_stand_behind_ours_as_they_are():
    obs = {"cell_type": ["T", None], "n_genes": [1, 2], "is_doublet": [True, None], "score": [0.5, None]}
    cells = describe(obs)
    assert cells.columns[len(ADDED_COLUMNS) :] == list(obs)
    assert cells.select(*obs).equals(pl.DataFrame(obs))


def test_own_columns_called_like_ours_are_kept_under_another_name():
    obs = {"cell_id": ["x"], "age": [7], "age_in_source": [8], "dataset_id": ["y"], "life_stage": ["z"]}
    cells = describe(obs)
    ours = cells.select("cell_id", "age", "dataset_id", "life_stage").row(0)
    assert ours == ("cell0", None, "atlas", "unknown")
    assert [cells[name][0] for name in own_names(obs).values()] == ["x", 7, 8, "y", "z"]
    assert own_names(obs)["age_in_source"] == "age_in_source_in_source"


@pytest.mark.parametrize("order", [1, -1], ids=["the author's first", "the curated first"])
def test_a_curated_column_keeps_its_name_beside_one_that_differs_in_case_only(order):
    """CELLxGENE appends its labels, so the author's column comes first in most files."""
    obs = {"Sex": ["F"], "SEX": ["2"], "sex": ["female"], "Batch": ["1"], "batch": ["b1"], "Donor_ID": ["X"]}
    cells = describe(dict(list(obs.items())[::order]), DatasetEntry(donor_column="Donor_ID"))
    assert cells.item(0, "sex") == "female"
    assert {cells.item(0, "Sex_in_source_2"), cells.item(0, "SEX_in_source")} == {"F", "2"}
    assert cells.select("batch", "Batch_in_source", "donor_id").row(0) == ("b1", "1", "X")
    assert cells.item(0, "Donor_ID_in_source") == "X"


def test_a_column_that_is_nearly_called_like_a_curated_one_is_not_taken_for_it():
    """What an author writes into `Tissue` need not be a label of Uberon; and SQL knows but one `tissue`."""
    cells = describe({"Tissue": ["Lung, left"], "Is_Primary_Data": ["no"]})
    assert cells.columns[len(ADDED_COLUMNS) :] == ["Tissue_in_source", "Is_Primary_Data_in_source"]


def test_no_column_is_taken_for_an_index_by_pandas():
    assert "__index_level_0__" not in describe({"__index_level_0__": ["x"]}).columns


def test_the_name_that_the_catalogue_needs_for_itself_is_left_to_it():
    assert describe({"__File__": ["x"]}).columns[-1] == "__File___in_source"


def test_no_cells_have_no_rows_but_all_columns():
    obs = pl.DataFrame({"donor_id": []}, schema={"donor_id": pl.String})
    survey = survey_cells(obs.columns, obs.get_column, entry=NOTHING)
    ids = pl.Series([], dtype=pl.String)
    cells = describe_cells(ids, obs, survey=survey, dataset_id="atlas", entry=NOTHING)
    assert (cells.height, tuple(cells.columns)) == (0, ADDED_COLUMNS)
    assert violations(cells, CellMetadata).is_empty()


def test_blocks_give_what_the_whole_gives():
    obs = pl.DataFrame(
        {
            "donor_id": ["a", None, "A", "A "],
            "age_years": [1.0, None, 3.0, None],
            "age_group": [None, "18-24", None, "25-34"],
            "organism": [None, "x", None, "mouse"],
            "is_primary_data": ["no", None, "yes", "?"],
        }
    )
    ids = pl.Series(["1", "2", "3", "4"])
    survey = survey_cells(obs.columns, obs.get_column, entry=NOTHING)
    options = {"survey": survey, "dataset_id": "atlas", "entry": NOTHING, "organism": "Homo sapiens"}
    parts = [describe_cells(ids[i : i + 1], obs[i : i + 1], **options) for i in range(4)]
    assert pl.concat(parts).equals(describe_cells(ids, obs, **options))


# --- donors


def test_a_donor_is_named_across_datasets():
    cells = describe({"donor_id": ["d1", None, "unknown"]})
    assert cells["donor_uid"].to_list() == ["atlas/d1", None, "atlas/unknown"]
    assert "donor_id_in_source" not in cells.columns


def test_datasets_of_one_collection_share_their_donors():
    assert describe({"donor_id": ["d1"]}, collection_id="c0").item(0, "donor_uid") == "c0/d1"


def test_the_donor_column_that_the_owner_names_is_used_and_kept():
    cells = describe({"DonorID": ["a"], "donor_id": ["b"]}, DatasetEntry(donor_column="DonorID"))
    assert cells.select("donor_id", "DonorID", "donor_id_in_source").row(0) == ("a", "a", "b")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None, 12], ["1", None, "12"]),
        ([1.0, None, 12.5], ["1", None, "12.5"]),
        ([10.0, float("nan"), -3.0], ["10", None, "-3"]),
        ([True, None, False], ["true", None, "false"]),
        (["", " ", "a"], [None, None, "a"]),
        (["P8", "P8 ", " p8", "P 8", "P8", "\u200bP8\ufeff"], ["P8"] * 6),
        (["b  B", "B\u00a0b", "B b", "bB"], ["B b"] * 4),
        (["x", "X"], ["x", "x"]),
        (["1 12", "11 2"], ["1 12", "11 2"]),
        (["Ole\u0301", "Ol\u00e9"], ["Ol\u00e9"] * 2),
    ],
    ids=[
        "integers",
        "floats, because one is missing",
        "NaN",
        "booleans",
        "empty is missing",
        "the most frequent spelling",
        "one space inside",
        "of equals the first",
        "space between numbers counts",
        "accents in one or two characters",
    ],
)
def test_donors_are_texts_whatever_the_column_holds(values, expected):
    assert describe({"donor_id": values})["donor_id"].to_list() == expected


def test_spellings_of_the_source_are_kept_beside_where_they_differ():
    cells = describe({"donor_id": ["a", "a ", "b", None]})
    assert cells["donor_id_in_source"].to_list() == ["a", "a ", "b", None]
    cells = describe({"DonorID": ["a", "A"]}, DatasetEntry(donor_column="DonorID"))
    assert cells["DonorID"].to_list() == ["a", "A"]
    assert "donor_id_in_source" not in cells.columns


def test_every_cell_says_whether_its_donor_is_known():
    cells = describe({"donor_id": ["donor0", "unassigned", None, " Doublet", "DONOR0", "-1"]})
    assert cells["has_known_donor"].to_list() == [True, False, False, False, True, False]


@pytest.mark.parametrize("key", ["donor_column", "age_column", "age_group_column", "cell_type_column"])
def test_a_column_that_is_not_there_is_refused_with_those_there_are(key):
    entry = DatasetEntry.model_validate({key: "Donr"})
    with pytest.raises(
        MissingColumnError, match=f"no column 'Donr', .* names as {key}. It has: donor, sex. Correct"
    ):
        describe({"donor": ["a"], "sex": ["f"]}, entry)
    with pytest.raises(MissingColumnError, match="It has: none"):
        describe({}, entry)


# --- cell types


def test_the_cell_type_that_the_owner_names_stands_under_both_names():
    cells = describe({"annotation": ["T", None], "n": [1, 2]}, DatasetEntry(cell_type_column="annotation"))
    assert cells.columns[-3:] == ["annotation", "n", "cell_type"]
    assert cells["cell_type"].to_list() == cells["annotation"].to_list() == ["T", None]


def test_a_cell_type_of_the_source_is_kept():
    obs = {"annotation": ["T"], "cell_type": ["B"]}
    cells = describe(obs, DatasetEntry(cell_type_column="annotation"))
    assert cells.select("annotation", "cell_type").row(0) == ("T", "B")


def test_cell_types_are_texts_whatever_the_column_holds():
    assert describe({"cluster": [3]}, DatasetEntry(cell_type_column="cluster")).item(0, "cell_type") == "3"


# --- organism


@pytest.mark.parametrize(
    ("obs", "options", "expected"),
    [
        ({"organism": ["Mus musculus"]}, {"organism": "Homo sapiens"}, "Mus musculus"),
        ({"organism": [None]}, {"organism": "Homo sapiens"}, "Homo sapiens"),
        ({"organism_ontology_term_id": ["NCBITaxon:10090"]}, {"organism": "Homo sapiens"}, "Mus musculus"),
        ({"organism": [None], "organism_ontology_term_id": ["NCBITaxon:10090"]}, {}, "Mus musculus"),
        ({"organism_ontology_term_id": ["NCBITaxon:1"]}, {}, "NCBITaxon:1"),
        ({}, {"organism": "Homo sapiens"}, "Homo sapiens"),
        ({}, {"entry": DatasetEntry(organism="Danio rerio")}, "Danio rerio"),
        ({}, {"entry": DatasetEntry(organism="Danio rerio"), "organism": "Homo sapiens"}, "Homo sapiens"),
        ({"species": ["Mus musculus"]}, {"organism": "Homo sapiens"}, "Mus musculus"),
        ({"species": ["rat"], "organism_ontology_term_id": ["NCBITaxon:10090"]}, {}, "Mus musculus"),
        ({"species": ["Danio_rerio"], "organism": ["unknown"]}, {}, "Danio rerio"),
        ({}, {"entry": DatasetEntry(organism="human")}, "Homo sapiens"),
        ({}, {}, None),
    ],
    ids=[
        "label before file",
        "label missing",
        "taxon",
        "taxon where the label is missing",
        "taxon without a name",
        "file",
        "owner",
        "file before owner",
        "species",
        "taxon before species",
        "species where the label says nothing",
        "owner, in short",
        "nobody",
    ],
)
def test_the_organism_comes_from_obs_else_from_the_file_else_from_the_owner(obs, options, expected):
    cells = describe(obs, **options)
    assert cells["organism"].to_list() == [expected]
    is_renamed = obs.get("organism") == ["unknown"]
    assert ("organism_in_source" in cells.columns) == is_renamed


def test_organisms_have_their_scientific_names_and_what_the_source_wrote_is_kept():
    cells = describe({"organism": ["human", "Homo sapiens", None]})
    assert cells["organism"].to_list() == ["Homo sapiens", "Homo sapiens", None]
    assert cells["organism_in_source"].to_list() == ["human", "Homo sapiens", None]


# --- ages


def test_ages_come_from_the_stage_unless_asked_otherwise():
    """In fetal data a column `age` is often weeks, so only one whose name gives the unit is trusted."""
    obs = {"development_stage": ["22-year-old stage"], "age": [99]}
    assert describe(obs).select("age", "age_low", "age_high", "age_method").row(0) == (
        22,
        22,
        23,
        "stage_label",
    )


def test_an_age_in_years_is_trusted_unasked():
    assert describe({"age_years": [31.5]}).select("age", "age_method").row(0) == (31.5, "age_column")


def test_the_age_column_that_the_owner_names_is_read_in_its_unit():
    entry = DatasetEntry(age_column="Age", age_unit="months")
    assert describe({"Age": [18], "age_years": [50]}, entry).item(0, "age") == 1.5


def test_the_age_group_that_the_owner_names_is_read():
    entry = DatasetEntry(age_group_column="Group")
    assert describe({"Group": ["15-20"]}, entry).select("age", "age_method").row(0) == (17.5, "age_group")


@pytest.mark.parametrize(
    ("obs", "organism", "ages"),
    [
        ({"age": ["3m", "18m", None, "old"]}, None, [0.25, 1.5, None, None]),
        ({"Age": ["45 years", "62 yrs"]}, "Homo sapiens", [45, 62]),
        ({"age": ["45", "20-29"]}, "Homo sapiens", [None, None]),
        ({"age": [45, 62]}, "Homo sapiens", [None, None]),
        ({"age": ["12 weeks"]}, "Homo sapiens", [None]),
        ({"age": ["52.18 weeks"]}, "Mus musculus", [1]),
        ({"age": ["3m"], "age_years": [7]}, None, [7]),
        ({"age": ["3m"], "development_stage": ["22-year-old stage"]}, None, [22]),
    ],
    ids=[
        "months",
        "years",
        "no unit",
        "numbers",
        "weeks of a person",
        "weeks of a mouse",
        "beside age_years",
        "beside a stage",
    ],
)
def test_a_column_called_age_is_read_unasked_where_its_labels_have_a_unit(obs, organism, ages):
    assert describe(obs, organism=organism)["age"].to_list() == ages


def test_the_age_column_that_the_owner_names_may_hold_texts():
    entry = DatasetEntry(age_column="age", age_unit="months")
    cells = describe({"age": ["3", "18m", "2 years", "E14.5", "x"]}, entry)
    assert cells["age"].to_list() == [0.25, 1.5, 2, None, None]
    assert cells["life_stage"].to_list() == [*["postnatal"] * 3, "prenatal", "unknown"]


def test_whether_a_group_counts_its_end_in_is_decided_from_the_whole_column():
    obs = pl.DataFrame({"age_group": ["18-24", "25-34", "65+"]})
    assert describe(obs)["age_high"].to_list() == [25, 35, None]


def test_a_mouse_is_read_as_a_mouse():
    obs = {"development_stage": ["3-month-old stage"]}
    assert describe(obs, organism="Mus musculus").item(0, "age") == 0.25


# --- what a split is made of


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False, None], [True, False, None]),
        (["True", "False", "false", "FALSE", None], [True, False, False, False, None]),
        (
            ["yes", "No", " no", "N", "f", "T", "0", "1"],
            [True, False, False, False, False, True, False, True],
        ),
        ([1, 0], [True, False]),
        ([1.0, 0.0], [True, False]),
        (["unknown", ""], [None, None]),
    ],
    ids=["booleans", "texts", "other texts", "integers", "floats", "what says neither"],
)
def test_primary_data_is_read_once_and_the_source_kept_where_it_is_no_boolean(values, expected):
    cells = describe({"is_primary_data": values})
    assert cells["is_primary_data"].to_list() == expected
    assert ("is_primary_data_in_source" in cells.columns) == (not isinstance(values[0], bool))
    assert split_columns(cells)["is_primary_data"].to_list() == expected


def test_a_split_is_made_of_what_cells_say():
    columns = split_columns(describe({"donor_id": ["a", "pool1"]}))
    assert columns.columns == [
        *("cell_id", "donor_id", "donor_uid", "has_known_donor", "age", "is_primary_data", "sex")
    ]
    assert columns["sex"].to_list() == [None, None]
    assert columns["has_known_donor"].to_list() == [True, False]
    assert columns["is_primary_data"].to_list() == [None, None]


def test_a_table_of_before_is_judged_when_it_is_split():
    old = describe({"donor_id": ["a", "unknown", "a"]}).drop("has_known_donor", "is_primary_data")
    assert split_columns(old)["has_known_donor"].to_list() == [True, False, True]
    old = old.with_columns(is_primary_data=pl.Series(["no", "true", None]))
    assert split_columns(old)["is_primary_data"].to_list() == [False, True, None]
