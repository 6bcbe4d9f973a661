"""Files in the style of CELLxGENE schema 3, 5 and 7.1 hold the same cells, and give the same tables."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import polars as pl
import pytest

from c2s_assets.core.cells.metadata import ADDED_COLUMNS
from c2s_assets_tests.defs.building import Workshop, failures, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

N_OBS, N_VARS = 60, 40
ORGANISM = {"organism": "Homo sapiens", "organism_ontology_term_id": "NCBITaxon:9606"}
# Two features share a symbol; from schema 4 on Discover puts the Ensembl id behind one of the two.
REPEATED = [f"GENE{1 if number == 5 else number}" for number in range(1, N_VARS + 1)]
SUFFIXED = ["GENE1_ENSG00000000005" if number == 5 else f"GENE{number}" for number in range(1, N_VARS + 1)]
# Every fifth cell is a copy of one in another dataset.
IS_PRIMARY_DATA = [cell % 5 != 0 for cell in range(N_OBS)]

STYLES: dict[str, dict[str, Any]] = {
    "3": {
        "obs": {
            **ORGANISM,
            "disease_ontology_term_id": "MONDO:0100096",
            "disease": "COVID-19",
            "ethnicity_ontology_term_id": "unknown",
        },
        "var": {"feature_name": REPEATED, "feature_is_filtered": False},
        "uns": {
            "schema_version": "3.0.0",
            "X_normalization": "log",
            "citation": None,
            **dict.fromkeys(ORGANISM),
        },
    },
    "5": {
        "obs": {
            **ORGANISM,
            "disease_ontology_term_id": "MONDO:0100096",
            "disease": "COVID-19",
            "self_reported_ethnicity": "unknown",
            "observation_joinid": [f"join{cell}" for cell in range(N_OBS)],
        },
        "var": {"feature_name": SUFFIXED, "feature_is_filtered": False, "feature_length": 1000},
        "uns": {"schema_version": "5.2.0", "citation": None, **dict.fromkeys(ORGANISM)},
    },
    "7.1": {
        "obs": {
            "disease_ontology_term_id": "MONDO:0100096 || MONDO:0005148",
            "disease": "COVID-19 || type 2 diabetes mellitus",
            "tissue_type": "tissue",
        },
        "var": {"feature_name": SUFFIXED, "feature_type": "protein_coding"},
        "uns": {"schema_version": "7.1.0", "citation": None},
    },
}


@pytest.fixture(scope="module")
def workshops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Workshop]]:
    """A lake for each style, with the same cells."""
    with ExitStack() as stack:
        built = {}
        for version, style in STYLES.items():
            layout = make_lake(tmp_path_factory.mktemp(f"schema{version}"))
            obs = {"is_primary_data": IS_PRIMARY_DATA, **style["obs"]}
            drop_toy_h5ad(layout, "toy", **(style | {"obs": obs}))
            built[version] = stack.enter_context(open_workshop(layout))
            report = built[version].build("toy")
            assert report.succeeded, failures(report)
        yield built


@pytest.mark.parametrize("version", ["3", "5"])
@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("cell_metadata", [*ADDED_COLUMNS, "cell_type", "tissue", "assay", "sex"]),
        ("feature_metadata", ["feature_id", "symbol", "is_duplicated_symbol", "n_cells", "mean"]),
        ("cell_sentences", None),
        ("split_manifest", None),
        ("expression", None),
        ("expression_matrix", None),
    ],
)
def test_styles_give_the_same_tables(
    workshops: dict[str, Workshop], version: str, table: str, columns: list[str] | None
) -> None:
    found, expected = (workshops[style].read(table, "toy") for style in (version, "7.1"))
    assert found.select(columns or pl.all()).equals(expected.select(columns or pl.all()))


def test_the_organism_comes_from_wherever_it_stands(workshops: dict[str, Workshop]) -> None:
    for workshop in workshops.values():
        assert set(workshop.read("cell_metadata", "toy")["organism"]) == {"Homo sapiens"}


def test_copies_of_cells_are_in_neither_split(workshops: dict[str, Workshop]) -> None:
    for workshop in workshops.values():
        used = set(workshop.train_test("toy")["cell_id"])
        assert used == {f"cell_{cell:04d}" for cell, primary in enumerate(IS_PRIMARY_DATA) if primary}


def test_several_diseases_of_a_cell_stay_as_they_are_and_are_listed_beside(
    workshops: dict[str, Workshop],
) -> None:
    for table in (workshops["7.1"].read("cell_metadata", "toy"), workshops["7.1"].train_test("toy")):
        assert set(table["disease"]) == {"COVID-19 || type 2 diabetes mellitus"}
        assert table["disease_list"].to_list() == [["COVID-19", "type 2 diabetes mellitus"]] * table.height
        assert table["disease_ontology_term_id_list"][0].to_list() == ["MONDO:0100096", "MONDO:0005148"]


def test_a_symbol_with_an_ensembl_id_behind_it_is_the_symbol(workshops: dict[str, Workshop]) -> None:
    for workshop in workshops.values():
        features = workshop.read("feature_metadata", "toy")
        shared = features.filter(pl.col("symbol") == "GENE1")
        assert shared["feature_id"].to_list() == ["ENSG00000000001", "ENSG00000000005"]
        assert shared["is_duplicated_symbol"].all()
