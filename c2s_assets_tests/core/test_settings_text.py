import pytest

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.settings import parse_datasets_file
from c2s_assets.core.settings_text import exclude_dataset


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", "\ncellxgene:\n  exclude: [x]\n"),
        ("split: {seed: 1}", "split: {seed: 1}\ncellxgene:\n  exclude: [x]\n"),
        (
            "cellxgene:  # what we follow\n    tissue: blood\n\ndatasets: {}\n",
            "cellxgene:  # what we follow\n    exclude: [x]\n    tissue: blood\n\ndatasets: {}\n",
        ),
        (
            "cellxgene:\n  exclude: [a, b]  # too large\n  tissue: blood\n",
            "cellxgene:\n  exclude: [a, b, x]  # too large\n  tissue: blood\n",
        ),
        ("cellxgene:\n  exclude: []\n", "cellxgene:\n  exclude: [x]\n"),
        ("cellxgene:\n  exclude:\n", "cellxgene:\n  exclude:\n    - x\n"),
    ],
    ids=["nothing", "no section", "no list", "a list", "an empty list", "no value"],
)
def test_a_dataset_is_excluded_and_all_else_stays(text, changed):
    assert exclude_dataset(text, "x") == changed


def test_a_list_over_several_lines_gets_one_more():
    text = "cellxgene:\n  tissue: blood\n  exclude:\n    - a  # broken\n    - b\nsplit: {}\n"
    changed = exclude_dataset(text, "x")
    assert sorted(parse_datasets_file(changed).cellxgene.exclude) == ["a", "b", "x"]
    assert "- a  # broken\n    - b\nsplit: {}\n" in changed


def test_a_dataset_that_is_excluded_changes_nothing():
    text = "cellxgene: {exclude: [x]}"
    assert exclude_dataset(text, "x") == text


@pytest.mark.parametrize(
    "text",
    ["cellxgene: {tissue: blood}", "cellxgene:\n  exclude: [a,\n    b]\n", "{cellxgene: {tissue: blood}}"],
    ids=["a section on one line", "a list on two lines", "all on one line"],
)
def test_what_would_have_to_be_guessed_is_left_to_the_user(text):
    with pytest.raises(ConfigError, match=r"Write there by hand: cellxgene: \{exclude: \[.*x\]\}"):
        exclude_dataset(text, "x")
