"""How a source is cited, and whether its citation names the publication that its DOI means."""

import pytest

from c2s_assets.core.releases.sources import DoiRecord, Source, bibtex, cites_another_title

RECORD = DoiRecord("Cells of Ageing Muscle: an Atlas", "Nature", 2024, ("Doe, Jane", "Roe, Richard"))


def test_a_publication_is_cited_with_the_record_of_its_doi() -> None:
    source = Source("muscle-1.0", title="Muscle, all cells", doi="10.1000/a_b", record=RECORD)
    assert bibtex(source) == "\n".join(
        [
            "@article{muscle_1_0,",
            "  title = {{Cells of Ageing Muscle: an Atlas}},",
            "  author = {Doe, Jane and Roe, Richard},",
            "  journal = {Nature},",
            "  year = {2024},",
            r"  doi = {10.1000/a\_b},",
            "  note = {Dataset Muscle, all cells},",
            "}",
        ]
    )


def test_a_source_without_publication_is_cited_as_the_dataset() -> None:
    source = Source("muscle", title="100 % & {more}", source_url="https://example.org/m.h5ad")
    assert bibtex(source).splitlines() == [
        "@misc{muscle,",
        r"  title = {{100 \% \& \{more\}}},",
        "  url = {https://example.org/m.h5ad},",
        "}",
    ]


def test_no_text_of_a_source_ends_the_entry_or_the_block_around_it() -> None:
    entry = bibtex(Source("a", title="```\n} @misc{evil, title = {x}"))
    assert entry.count("@") == 1
    assert "`" not in entry
    assert entry.count("{") - entry.count(r"\{") - entry.count("char64{") == 2 + 1


@pytest.mark.parametrize(
    ("citation", "differs"),
    [
        ("Doe et al. Cells of ageing muscle - an atlas. doi:10.1000/1", False),
        ("Doe et al. A map of the heart. doi:10.1000/1", True),
        ("Doe et al. Cells of ageing. https://doi.org/10.1000/1", True),
        ("Doe et al. A map of the heart.", False),
        ("Publication: https://doi.org/10.1000/1 Dataset Version: https://example.org/x.h5ad", False),
        (None, False),
    ],
    ids=["same title", "another", "part of it", "without the DOI", "Discover's", "none"],
)
def test_a_citation_with_another_title_than_its_doi_is_found(citation: str | None, differs: bool) -> None:
    source = Source("a", citation=citation, doi="10.1000/1", record=RECORD)
    assert cites_another_title(source) is differs


def test_what_the_catalogue_does_not_know_is_not_compared() -> None:
    assert not cites_another_title(Source("a", citation="A title. 10.1000/1", doi="10.1000/1"))
