import pytest

from c2s_assets.core.settings import DatasetEntry, LimitSettings, parse_datasets_file
from c2s_assets.core.settings_entry import entry_text


def test_an_entry_is_written_as_lines_with_comments():
    entry = DatasetEntry(donor_column="patient", age_column="Age (y)")
    assert entry_text("atlas", entry, comments={"donor_column": "12 values"}) == (
        "datasets:\n  atlas:\n    donor_column: patient  # 12 values\n    age_column: Age (y)"
    )


@pytest.mark.parametrize(
    "name",
    ["yes", "2024", "a: b", "# no comment", "'quoted'", "two\nlines", "Größe", "-", "x" * 300],
    ids=repr,
)
def test_what_is_written_is_read_back(name):
    entry = DatasetEntry(donor_column=name, limits=LimitSettings(cells=3, layers=4))
    for dataset_id in ("1e5", "atlas"):
        text = entry_text(dataset_id, entry, comments={"donor_column": "why"})
        assert parse_datasets_file(text).entry(dataset_id) == entry


def test_an_entry_that_says_nothing_is_no_text():
    assert entry_text("atlas", DatasetEntry(), comments={}) == ""
