"""What a card tells the Hub and `datasets` of a corpus."""

from typing import Any

import pytest
import yaml

from c2s_assets.core.releases.card import CorpusFigures, Source, render_card
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.splits.certificate import Certificate, SideCount

CERTIFICATE = Certificate("3.1", 0, datasets={}, sides={"train": SideCount(2, 30, 4_000)}, files={})


def head(sides: dict[str, tuple[str, ...]], *, licence: str | None = None) -> dict[str, Any]:
    entry = ReleaseEntry(repo_id="me/corpus", licence=licence)
    card = render_card("corpus", entry, CorpusFigures(sides, CERTIFICATE, {}))
    found: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return found


def test_a_side_without_rows_has_no_line() -> None:
    """An empty split cannot be loaded."""
    configs = head({"blood": ("train", "test"), "lung": ("train",), "empty": ()})["configs"]
    assert configs == [
        {
            "config_name": "blood",
            "data_files": [
                {"split": "train", "path": "blood/train/*.parquet"},
                {"split": "test", "path": "blood/test/*.parquet"},
            ],
        },
        {"config_name": "lung", "data_files": [{"split": "train", "path": "lung/train/*.parquet"}]},
        {
            "config_name": "all",
            "default": True,
            "data_files": [
                {"split": "train", "path": "*/train/*.parquet"},
                {"split": "test", "path": "*/test/*.parquet"},
            ],
        },
    ]


def test_the_config_of_all_datasets_is_not_the_first() -> None:
    """`datasets` looks up the files of the first config, whichever is loaded: of all, the whole tree."""
    assert head({"blood": ("train",)})["configs"][-1]["config_name"] == "all"


def test_a_dataset_that_is_called_all_is_in_all() -> None:
    assert [one["config_name"] for one in head({"all": ("train",)})["configs"]] == ["all"]


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        (None, {}),
        ("CC BY 4.0", {"license": "cc-by-4.0"}),
        ("MIT", {"license": "mit"}),
        ("as the sources", {"license": "other", "license_name": "as-sources"}),
    ],
    ids=["none", "Creative Commons", "MIT", "another"],
)
def test_a_licence_is_called_as_the_hub_calls_it(stated: str | None, shown: dict[str, str]) -> None:
    found = head({"blood": ("train",)}, licence=stated)
    assert {key: value for key, value in found.items() if key.startswith("license")} == shown


def test_the_text_counts_what_is_certified() -> None:
    entry = ReleaseEntry(repo_id="me/corpus", title="Muscle")
    figures = CorpusFigures({"blood": ("train",)}, CERTIFICATE, {})
    text = render_card("corpus", entry, figures).split("---\n\n")[1]
    assert text.startswith("# Muscle\n")
    assert "| train | 4,000 | 30 | 2 |" in text
    assert 'load_dataset("me/corpus", "blood")' in text


def test_sources_are_named_with_their_licence_as_plain_text() -> None:
    sources = {
        "blood": Source("Blood | of *Jane* <jane@example.org>", "CC BY 4.0", "10.1000/1"),
        "lung": Source(None, None, None),
    }
    entry = ReleaseEntry(repo_id="me/corpus")
    text = render_card("corpus", entry, CorpusFigures({"blood": ("train",)}, CERTIFICATE, sources))
    line = next(line for line in text.splitlines() if line.startswith("| blood "))
    assert line.endswith("| CC BY 4.0 | 10.1000/1 |")
    assert line.replace(r"\|", "").count("|") == 5, "a title is one cell of the table"
    assert "jane@example.org" not in text
    assert "| lung | not stated | not stated | not stated |" in text


def test_a_card_does_not_list_thousands_of_sources() -> None:
    sources = {f"d{number}": Source(None, None, None) for number in range(102)}
    entry = ReleaseEntry(repo_id="me/corpus")
    text = render_card("corpus", entry, CorpusFigures({"d1": ("train",)}, CERTIFICATE, sources))
    assert "| d99 |" in text
    assert "| d100 |" not in text
    assert "| and 2 more |" in text
