"""What a card tells the Hub and `datasets` of a corpus, and people of its cells."""

import re
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
import yaml
from markdown_it import MarkdownIt

from c2s_assets.core.releases.card import write_card, write_dataset_card
from c2s_assets.core.releases.census import COUNTED, Census, N
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.facts import DatasetFacts, Field, PublishedTable, ReleaseFacts
from c2s_assets.core.releases.sources import Source
from c2s_assets.core.splits.certificate import Certificate, SideCount

CERTIFICATE = Certificate("3.1", 0, datasets={}, sides={"train": SideCount(2, 30, 4_000)}, files={})


def census(*cells: dict[str, Any]) -> Census:
    """Count cells that are alike but for what is given."""
    common = {"split": "train", "dataset_id": "blood", "donor_uid": "blood/a", "has_known_donor": True}
    rows = [{**common, "split_level": "donor", N: 1, **one} for one in cells]
    schema = {"split": pl.String, "dataset_id": pl.String, **COUNTED, N: pl.Int64}
    words = pl.DataFrame({"n_above_ties": [1, 4], "sentence_length": [2, 6], N: [30, 10]})
    return Census(pl.DataFrame(rows, schema=schema), words)


CELLS = census(
    {"age": 20.0, "tissue": "lung", "cell_type": "T cell", N: 3_000},
    {"age": 64.5, "tissue": "lung", "cell_type": "B cell", "donor_uid": "blood/b", "split": "test", N: 1_000},
)
FACTS = ReleaseFacts(
    sides={"blood": ("train", "test")},
    census=CELLS,
    certificate=CERTIFICATE,
    left_out={"their age is not known": 7, "a copy of them is used": 0},
    inflation=None,
    sources=[Source("blood", title="Blood", licence="CC BY 4.0", doi="10.1000/1")],
    fields=[Field("age", "float32", "years", "before birth", "Age.")],
    tables=[PublishedTable("vocabulary", "One row per symbol.", 60, {"all": "vocabulary.parquet"}, [])],
)
ENTRY = ReleaseEntry(repo_id="me/corpus", title="Muscle", licence="CC BY 4.0")


def card(facts: ReleaseFacts = FACTS, entry: ReleaseEntry = ENTRY) -> str:
    return write_card("corpus", entry, facts)["README.md"]


def head(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def lines(text: str, beginning: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(beginning)]


def test_the_hub_is_told_configs_size_and_licence() -> None:
    said = head(card())
    assert [one["config_name"] for one in said["configs"]] == ["blood", "vocabulary", "all"]
    assert (said["license"], said["pretty_name"], said["size_categories"]) == (
        "cc-by-4.0",
        "Muscle",
        ["1K<n<10K"],
    )
    assert "license" not in head(card(entry=ReleaseEntry(repo_id="me/corpus")))


def test_the_hubs_own_client_reads_the_card() -> None:
    """It refuses what the Hub would refuse of the YAML."""
    from huggingface_hub import DatasetCard

    data = DatasetCard(card()).data
    assert (data.license, data.pretty_name) == ("cc-by-4.0", "Muscle")


def test_cells_are_counted_by_side_and_label() -> None:
    text = card()
    assert "4,000 cells of 2 donors and 1 dataset (an organism that nobody states)" in text
    assert lines(text, "| train ") == ["| train | 3,000 | 1 | 1 | 20 to 20, median 20 | 0 | 1 | 1 |"]
    assert lines(text, "| test ") == ["| test | 1,000 | 1 | 1 | 64.5 to 64.5, median 64.5 | 0 | 1 | 1 |"]
    assert lines(text, "| T cell ") == ["| T cell | 3,000 | 0 | 3,000 |"]
    assert "| assay " not in text, "of a label that no cell has, nothing is said"


def test_donors_on_several_sides_are_counted_as_are_those_that_chance_would_put_there() -> None:
    assert "Of 2 donors that can be told apart 0 are on more than one side." in card()
    one = {"donor_uid": "a"}
    cells = census(
        {**one, N: 1}, {**one, N: 1, "split": "test"}, {"has_known_donor": False, "split": "test", N: 2}
    )
    text = card(replace(FACTS, census=cells))
    # Both in train with 1/16, both in test with 9/16: apart with 6/16.
    assert "Of 1 donor that can be told apart 1 are on more than one side." in text
    assert "at random, 0.4 would be in the mean" in text
    nobody = card(replace(FACTS, census=census({"has_known_donor": False})))
    assert "more than one side" not in nobody


def test_ties_are_told_of_all_words_and_of_the_median_sentence() -> None:
    text = card()
    assert "Of 120 words 50 (41.7 %) are in the lowest tie block" in text
    assert "The median sentence has 2 words, of which the first 1 are above" in text


def test_what_is_on_no_side_is_told_with_its_reason() -> None:
    assert lines(card(), "| their age is not known ") == ["| their age is not known | 7 |"]
    assert "a copy of them is used" not in card()


def test_the_audit_is_told_or_that_there_was_none() -> None:
    assert "found 0 leaks" in card()
    unseen = replace(FACTS, certificate=replace(CERTIFICATE, n_leaks=None))
    assert "Nobody has looked for copies" in card(unseen)


def test_what_a_random_split_would_have_pretended_is_told_where_it_is_known() -> None:
    scores = {"task": "age", "unit": "cell", "split": "random", "score": 0.91, "chance": 0.0}
    counts = {"n_train": 80, "n_test": 100, "n_donors": 12, "reason": None}
    text = card(
        replace(FACTS, inflation=pl.DataFrame([scores | counts], schema_overrides={"reason": pl.String}))
    )
    assert lines(text, "| age ")[0] == "| age | cell | random | 0.91 | 0 | 100 | 12 |  |"


def test_a_source_is_text_and_nothing_else() -> None:
    title = "Blood | of *Jane* <jane@example.org>\n# Heading"
    text = card(replace(FACTS, sources=[Source("blood", title=title), Source("liver")]))
    (line,) = lines(text, "| blood ")
    assert line.replace(r"\|", "").count("|") == 6, "a title is one cell of the table"
    assert "jane@example.org" not in text
    assert lines(text, "| liver ") == ["| liver |  | not stated |  |  |"]
    assert (
        len(re.findall("<h1", MarkdownIt("gfm-like", {"linkify": False}).render(text.split("---\n\n")[1])))
        == 1
    )


def test_a_card_does_not_list_thousands_of_sources() -> None:
    sources = [Source(f"d{number}") for number in range(102)]
    text = card(replace(FACTS, sources=sources))
    assert lines(text, "| d99 ")
    assert not lines(text, "| d100 ")
    assert "and 2 more, which are in the config `sources`" in text


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (replace(FACTS, census=census({"cell_type": "T cell", N: 5})), "5 cells have no age."),
        (replace(FACTS, census=census({"age": 20.0, N: 5})), "5 cells have no cell type."),
        (
            replace(FACTS, census=census({"has_known_donor": False, N: 5})),
            "5 cells are of donors that cannot",
        ),
        (replace(FACTS, census=census({"split_level": "cell"})), "Of blood single cells were split"),
        (
            replace(FACTS, sources=[Source("blood", values="normalised")]),
            "Of blood values that are no counts",
        ),
        (replace(FACTS, sources=[Source("blood", licence="CC BY-NC 4.0")]), "forbids commercial use"),
        (replace(FACTS, sources=[Source("blood", licence="by letter")]), "terms of these licences"),
    ],
    ids=["ages", "types", "donors", "cells split", "normalised", "licences", "terms"],
)
def test_what_the_files_do_not_hold_is_among_the_limits(facts: ReleaseFacts, says: str) -> None:
    assert says in card(facts).partition("## Limits")[2]
    assert says not in card().partition("## Limits")[2]


def test_pictures_are_files_that_the_card_shows() -> None:
    texts = write_card("corpus", ENTRY, FACTS)
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", texts["README.md"])
    assert shown == ["_images/words.svg", "_images/ages.svg", "_images/tissue.svg", "_images/cell_type.svg"]
    assert set(texts) == {"README.md", *shown}
    assert ">3,000</text>" in texts["_images/cell_type.svg"]


def test_versions_that_were_withdrawn_are_named_with_the_reason() -> None:
    entry = ENTRY.model_copy(update={"yanked": {"1.0": "ages | of months"}})
    assert lines(card(entry=entry), "| 1.0") == [r"| 1.0 | ages \| of months |"]
    assert "withdrawn" not in card()


HOSTILE = "![x](http://evil.example/a.png) <img src=x onerror=alert(1)> [l](javascript:alert(1)) | `$x$`"


def hostile_texts(of: str) -> dict[str, str]:
    """A card, and its pictures, whose every text of a source is hostile."""
    source = Source("blood", title=HOSTILE, licence=HOSTILE, citation=HOSTILE, organism=HOSTILE)
    cells = census({"age": 20.0, "tissue": HOSTILE, "cell_type": HOSTILE, N: 10})
    facts = replace(FACTS, sources=[source], census=cells, fields=[Field(HOSTILE, "string", "", "", HOSTILE)])
    if of == "release":
        return write_card("corpus", ENTRY, facts)
    return write_dataset_card(DatasetFacts(("train",), cells, facts.left_out, source, facts.fields))


@pytest.mark.parametrize("of", ["release", "dataset"])
def test_hostile_texts_of_a_source_are_text_in_cards_and_their_pictures(of: str) -> None:
    texts = hostile_texts(of)
    _, top, body = texts.pop("README.md").split("---\n", 2)
    assert isinstance(yaml.safe_load(top), dict)
    shown = MarkdownIt("gfm-like", {"linkify": False}).render(body)
    tags = re.findall(r"<[^>]*>", shown)
    assert not [tag for tag in tags if re.search("evil|onerror|javascript", tag)]
    assert "onerror=alert(1)&gt;" in shown, "it is there, as text"
    for picture in texts.values():
        assert not re.search(r"<(script|image|a|foreignObject)\b|<[^>]*(onerror|javascript|evil)", picture)
