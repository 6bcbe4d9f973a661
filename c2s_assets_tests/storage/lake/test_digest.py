import hashlib

import pytest

from c2s_assets.storage.lake.digest import file_digest, tree_digest


def test_file_digest_is_the_sha256_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"cells")
    assert file_digest(tmp_path / "a") == hashlib.sha256(b"cells").hexdigest()


def _write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_tree_digest_depends_on_names_and_contents_only(tmp_path):
    one = _write(tmp_path / "1" / "train", {"b": "2", "a": "1", "deep/c": "3"})
    two = _write(tmp_path / "2" / "train", {"deep/c": "3", "a": "1", "b": "2"})
    assert tree_digest(one) == tree_digest(two)


CHANGES = {
    "content": {"a": "1", "b": "3"},
    "name": {"a": "1", "c": "2"},
    "one more": {"a": "1", "b": "2", "c": ""},
    "one less": {"a": "1"},
    "contents swapped": {"a": "2", "b": "1"},
    "one level deeper": {"a": "1", "x/b": "2"},
    "bytes moved to the next file": {"a": "12", "b": ""},
}


@pytest.mark.parametrize("files", CHANGES.values(), ids=CHANGES.keys())
def test_tree_digest_changes_with(tmp_path, files):
    before = _write(tmp_path / "1" / "train", {"a": "1", "b": "2"})
    assert tree_digest(before) != tree_digest(_write(tmp_path / "2" / "train", files))


def test_tree_digest_knows_on_which_side_a_file_is(tmp_path):
    _write(tmp_path / "1", {"train/a": "1"})
    _write(tmp_path / "2", {"test/a": "1"})
    one, two = ([tmp_path / lake / side for side in ("train", "test")] for lake in ("1", "2"))
    assert tree_digest(*one) != tree_digest(*two)


def test_tree_digest_of_a_path_that_is_not_there_is_that_of_nothing(tmp_path):
    (tmp_path / "empty").mkdir()
    assert tree_digest(tmp_path / "gone") == tree_digest(tmp_path / "empty") == tree_digest()


def test_tree_digest_takes_single_files(tmp_path):
    _write(tmp_path, {"a.json": "1", "b.json": "1"})
    assert tree_digest(tmp_path / "a.json") != tree_digest(tmp_path / "b.json")
