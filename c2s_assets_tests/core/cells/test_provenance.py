from dataclasses import replace

import pytest

from c2s_assets.core.cells.provenance import (
    Origin,
    Publication,
    publication_of,
    read_organism,
    read_origin,
    stated_first,
)

CITATION = (
    "Publication: https://doi.org/10.1126/science.abl4896 Dataset Version: "
    "https://datasets.cellxgene.cziscience.com/9deda9ad.h5ad curated and distributed by CZ CELLxGENE "
    "Discover in Collection: https://cellxgene.cziscience.com/collections/e5f58829-1a66-40b5-a624-9046778e74f5"
)


def test_the_citation_of_cellxgene_names_publication_and_collection():
    assert read_origin({"title": "Tabula Sapiens", "citation": CITATION}) == Origin(
        title="Tabula Sapiens",
        citation=CITATION,
        collection_id="e5f58829-1a66-40b5-a624-9046778e74f5",
        publication_doi="10.1126/science.abl4896",
    )


def test_what_the_owner_states_comes_first():
    of_file = read_origin({"title": "theirs", "citation": CITATION, "licence": "theirs"})
    origin = stated_first(of_file, title="ours", citation="Doe (2024). doi:10.1000/182.", licence="ours")
    assert origin == Origin(
        "ours", "Doe (2024). doi:10.1000/182.", "ours", of_file.collection_id, "10.1000/182"
    )
    assert stated_first(of_file, title=None, citation=None, licence=None) == of_file
    assert stated_first(of_file, title=None, citation=None, licence="ours") == replace(
        of_file, licence="ours"
    )


@pytest.mark.parametrize(
    "uns",
    [
        {},
        {"title": "", "citation": " "},
        {"title": 7, "citation": ["a"]},
        {"citation": "Doe et al., in press"},
    ],
    ids=["nothing", "blank", "not texts", "without doi"],
)
def test_what_is_not_known_is_none(uns):
    origin = read_origin(uns)
    assert (origin.title, origin.licence, origin.collection_id, origin.publication_doi) == (None,) * 4


@pytest.mark.parametrize(
    ("citation", "doi"),
    [
        ("(https://doi.org/10.1016/j.cell.2021.04.048)", "10.1016/j.cell.2021.04.048"),
        ("10.1101/2023.09.11.557287; accessed 2024", "10.1101/2023.09.11.557287"),
        ("10.1016/S0092-8674(00)81234-5, Cell", "10.1016/S0092-8674(00)81234-5"),
        ("version 10.1 of 2024/05", None),
    ],
)
def test_the_doi_ends_where_the_sentence_goes_on(citation, doi):
    assert read_origin({"citation": citation}).publication_doi == doi


@pytest.mark.parametrize("key", ["licence", "license"])
def test_a_licence_is_found_in_either_spelling(key):
    assert read_origin({key: "CC BY 4.0"}).licence == "CC BY 4.0"


@pytest.mark.parametrize(
    ("uns", "organism"),
    [
        ({"organism": "Homo sapiens", "organism_ontology_term_id": "NCBITaxon:10090"}, "Homo sapiens"),
        ({"organism_ontology_term_id": "NCBITaxon:10090"}, "Mus musculus"),
        ({"organism_ontology_term_id": "NCBITaxon:1"}, "NCBITaxon:1"),
        ({"organism": "  "}, None),
        ({"organism": 9606}, None),
        ({"species": "human"}, "Homo sapiens"),
        ({"organism": "unknown", "species": "Mus_musculus"}, "Mus musculus"),
        ({}, None),
    ],
    ids=[
        *("label", "taxon", "taxon we have no name for", "blank", "a number", "species"),
        *("label that says nothing", "nothing"),
    ],
)
def test_the_organism_is_the_label_or_else_the_taxon(uns, organism):
    assert read_organism(uns) == organism


def test_a_publication_is_what_discover_lists_and_of_the_rest_what_the_file_says():
    origin = Origin(title="File", collection_id="c0", publication_doi="10.1000/file")
    assert publication_of(origin) == Publication("c0", "File", "10.1000/file", None)
    listed = Publication("c1", "Listed", None, "Ask ada@example.org.")
    said = publication_of(origin, listed=listed)
    assert (said.collection_id, said.title, said.doi) == ("c1", "Listed", "10.1000/file")
    assert said.description is not None
    assert said.description.startswith("Ask ")
    assert "@" not in said.description


def test_a_text_too_long_for_every_row_is_no_title():
    uns = {"title": "x" * 900_000, "citation": "10.1000/" + "x" * 900_000, "organism": "y" * 900_000}
    assert read_origin(uns) == Origin()
    assert read_organism(uns) is None
