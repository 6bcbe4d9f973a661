import json

import pytest

from c2s_assets.core.errors import ConfigError, LakeError, MissingInputError
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.documents import InboxNote, Provenance
from c2s_assets.storage.lake.documents import (
    keeps_document,
    names_every_key,
    read_document,
    read_settings,
    write_document,
)
from c2s_assets_tests.toy import make_lake

PROVENANCE = Provenance.model_validate(
    {"url": "https://host/é.h5ad", "size_bytes": 1, "sha256": "0" * 64, "n_obs": 2, "n_vars": 3}
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "document.json"


def test_a_document_reads_back_as_it_was_written(path):
    write_document(path, PROVENANCE)
    assert read_document(path, Provenance) == PROVENANCE


def test_a_document_is_readable_utf8_and_ends_with_a_line(path):
    write_document(path, {"b": "é", "a": [1]})
    assert path.read_bytes() == '{\n "b": "é",\n "a": [\n  1\n ]\n}\n'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_not_written(path, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_document(path, {"a": value})
    assert not path.exists()


def test_a_document_that_was_not_written_is_told(path):
    with pytest.raises(MissingInputError, match=r"document\.json does not exist yet\. Build it first"):
        read_document(path, Provenance)


BROKEN = {
    "no JSON": b"{",
    "empty": b"",
    "not UTF-8": b'{"url": "\xff"}',
    "a part is missing": b"{}",
    "a part too many": json.dumps({**PROVENANCE.model_dump(), "extra": 1}).encode(),
    "a value out of range": json.dumps({**PROVENANCE.model_dump(), "n_obs": 0}).encode(),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_document_that_is_not_ours_is_told(path, content):
    path.write_bytes(content)
    with pytest.raises(
        LakeError, match=r"document\.json is not what c2s_assets writes: (?s:.*)Build it again"
    ):
        read_document(path, Provenance)
    finding = keeps_document(path, Provenance)
    assert (finding.claim, finding.holds) == ("keeps_schema", False)
    assert "please report it" in finding.message


def test_keeps_document_holds_for_what_we_write(path):
    write_document(path, InboxNote.model_validate({}))
    finding = keeps_document(path, InboxNote)
    assert finding.holds
    assert finding.message == "document.json holds every part of InboxNote."


@pytest.mark.parametrize(
    ("keys", "lost"), [(["a", "b"], None), (["a", "b", "c"], "c"), (["a"], "b"), (["c"], "a, b, c")]
)
def test_names_every_key_compares_both_ways(path, keys, lost):
    write_document(path, {"a": 1, "b": None})
    finding = names_every_key(path, keys)
    assert finding.holds == (lost is None)
    assert finding.figures == {"n_keys": 2}
    if lost:
        assert f"on the keys {lost}." in finding.message


def test_without_settings_nothing_is_set(tmp_path):
    assert read_settings(make_lake(tmp_path)) == DatasetsFile()


def test_settings_are_those_of_the_file(tmp_path):
    layout = make_lake(tmp_path)
    layout.settings.write_text("datasets:\n  muscle:\n    donor_column: DonorID\n")
    assert read_settings(layout).entry("muscle").donor_column == "DonorID"
    assert read_settings(layout).entry("other").donor_column is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"datasets: [", "is not (valid )?YAML"),
        (b"# caf\xe9", "is not UTF-8"),
        (b"sets: 1", "sets is not a key"),
    ],
    ids=["no YAML", "Latin-1", "unknown key"],
)
def test_settings_that_cannot_be_followed_are_told(tmp_path, content, message):
    layout = make_lake(tmp_path)
    layout.settings.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_settings(layout)
