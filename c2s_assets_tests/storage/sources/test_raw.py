import hashlib
import json
import os
import signal
import subprocess
import sys

import pytest

from c2s_assets.core.errors import (
    C2SError,
    DownloadError,
    LakeError,
    MissingInputError,
    NotAnH5adError,
    SourceError,
)
from c2s_assets.schemas.documents import InboxNote
from c2s_assets.storage.h5ad.survey import survey_h5ad
from c2s_assets.storage.lake.staging import recover
from c2s_assets.storage.sources import raw
from c2s_assets.storage.sources.provenance import held_version, holds_own_file, read_provenance
from c2s_assets.storage.sources.raw import (
    adopt_download,
    adopt_from_inbox,
    copy_or_link,
    open_source,
    put_file_into_inbox,
    put_into_inbox,
)
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake, write_toy_h5ad

NOTE = InboxNote.model_validate({"url": "https://host/a.h5ad", "etag": '"v1"', "retrieved_at": "2025-01-01"})


@pytest.fixture
def layout(tmp_path):
    return make_lake(tmp_path)


def names(layout):
    """Every file of the lake, without the lock of the staging folder."""
    return sorted(
        str(path.relative_to(layout.root))
        for path in layout.root.rglob("*")
        if path.is_file() and path != layout.staging / "lock"
    )


def test_a_dropped_file_becomes_the_source(layout):
    path = drop_toy_h5ad(layout, "a", n_obs=10, n_vars=7)
    content = path.read_bytes()
    provenance = adopt_from_inbox(layout, dataset_id="a")
    assert provenance == read_provenance(layout, dataset_id="a")
    assert (provenance.n_obs, provenance.n_vars) == (10, 7)
    assert (provenance.size_bytes, provenance.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (provenance.url, provenance.retrieved_at) == (None, None)
    assert layout.raw_h5ad("a").read_bytes() == content
    assert names(layout) == ["raw/a.h5ad", "raw/a.json"]


def test_what_c2s_add_noted_becomes_part_of_the_provenance(layout):
    def fill(target):
        write_toy_h5ad(target)
        return NOTE

    path = put_into_inbox(layout, dataset_id="a", fill=fill)
    assert path == layout.inbox_h5ad("a")
    assert names(layout) == ["inbox/a.h5ad", "inbox/a.json"]
    provenance = adopt_from_inbox(layout, dataset_id="a")
    assert InboxNote.model_validate(provenance.model_dump(include=set(InboxNote.model_fields))) == NOTE
    assert names(layout) == ["raw/a.h5ad", "raw/a.json"]


def test_adopting_again_changes_nothing(layout):
    drop_toy_h5ad(layout, "a")
    first = adopt_from_inbox(layout, dataset_id="a")
    note = layout.raw_provenance("a").read_bytes()
    assert adopt_from_inbox(layout, dataset_id="a") == first
    assert layout.raw_provenance("a").read_bytes() == note


def test_a_new_drop_replaces_the_source_and_what_was_noted_of_it(layout):
    put_into_inbox(layout, dataset_id="a", fill=lambda target: (write_toy_h5ad(target), NOTE)[1])
    old = adopt_from_inbox(layout, dataset_id="a")
    drop_toy_h5ad(layout, "a", seed=1)
    new = adopt_from_inbox(layout, dataset_id="a")
    assert new.sha256 != old.sha256
    assert (old.url, new.url) == (NOTE.url, None)


def test_without_any_file_it_is_said_where_one_is_expected(layout):
    with pytest.raises(MissingInputError, match=r"inbox/a\.h5ad nor .*raw/a\.h5ad exists\. Drop the h5ad"):
        adopt_from_inbox(layout, dataset_id="a")


def test_a_file_put_into_raw_by_hand_is_not_taken_for_verified(layout):
    write_toy_h5ad(layout.raw_h5ad("a"))
    with pytest.raises(MissingInputError, match=r"nor .*raw/a\.json exists\. Drop the h5ad into the inbox"):
        adopt_from_inbox(layout, dataset_id="a")


BROKEN = {
    "text": b"cells",
    "empty": b"",
    "truncated": None,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_file_that_fails_stays_in_the_inbox_and_the_old_source_in_place(layout, content):
    drop_toy_h5ad(layout, "a")
    old = adopt_from_inbox(layout, dataset_id="a")
    path = drop_toy_h5ad(layout, "a", seed=1)
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    dropped = path.read_bytes()
    with pytest.raises(SourceError, match=r"a\.h5ad"):
        adopt_from_inbox(layout, dataset_id="a")
    assert path.read_bytes() == dropped
    assert read_provenance(layout, dataset_id="a") == old
    assert names(layout) == ["inbox/a.h5ad", "raw/a.h5ad", "raw/a.json"]


def test_what_is_not_a_file_is_not_opened(layout):
    """Guards against waiting for ever: opening a pipe blocks until somebody writes into it."""
    os.mkfifo(layout.inbox_h5ad("pipe"))
    layout.inbox_h5ad("folder").mkdir()
    for dataset_id in ("pipe", "folder"):
        with pytest.raises(NotAnH5adError, match=rf"{dataset_id}\.h5ad is not a file"):
            adopt_from_inbox(layout, dataset_id=dataset_id)


def test_a_note_that_is_not_ours_is_refused(layout):
    drop_toy_h5ad(layout, "a")
    layout.inbox_note("a").write_text('{"url": 1}')
    with pytest.raises(LakeError, match=r"a\.json is not what c2s add writes: (?s:.*)Remove it"):
        adopt_from_inbox(layout, dataset_id="a")


@pytest.fixture
def while_it_is_read(monkeypatch):
    """Let something happen between the reading of a file and its digest."""

    def prepare(happen):
        digest = raw.file_digest

        def digest_after(path):
            happen()
            return digest(path)

        monkeypatch.setattr(raw, "file_digest", digest_after)

    return prepare


def test_a_file_that_is_still_being_copied_is_refused(layout, while_it_is_read):
    path = drop_toy_h5ad(layout, "a")
    while_it_is_read(lambda: path.write_bytes(path.read_bytes() + b"more"))
    with pytest.raises(NotAnH5adError, match=r"changed while it was read\. Wait until it is copied"):
        adopt_from_inbox(layout, dataset_id="a")
    assert names(layout) == ["inbox/a.h5ad"]


def test_a_file_that_is_replaced_while_it_is_read_is_refused(layout, while_it_is_read, tmp_path):
    path = drop_toy_h5ad(layout, "a")
    other = write_toy_h5ad(tmp_path / "other.h5ad")
    while_it_is_read(lambda: other.replace(path))
    with pytest.raises(NotAnH5adError, match="changed while it was read"):
        adopt_from_inbox(layout, dataset_id="a")


def test_a_file_that_another_build_takes_meanwhile_stays_the_source(layout, while_it_is_read, monkeypatch):
    """Guards the source file: the slower build once removed what the faster one had adopted."""
    path = drop_toy_h5ad(layout, "a")

    def adopt_elsewhere():
        monkeypatch.undo()
        adopt_from_inbox(layout, dataset_id="a")

    while_it_is_read(adopt_elsewhere)
    with pytest.raises(MissingInputError, match=r"taken away while it was read, perhaps by another build"):
        adopt_from_inbox(layout, dataset_id="a")
    assert not path.exists()
    assert read_provenance(layout, dataset_id="a").n_obs == 60
    assert names(layout) == ["raw/a.h5ad", "raw/a.json"]


def test_a_source_that_changed_is_told(layout):
    drop_toy_h5ad(layout, "a")
    adopt_from_inbox(layout, dataset_id="a")
    path = layout.raw_h5ad("a")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert read_provenance(layout, dataset_id="a").n_obs == 60  # the size is the same
    with pytest.raises(
        LakeError, match=r"raw/a\.h5ad has changed since it was verified \(sha256 [0-9a-f]{12},"
    ):
        adopt_from_inbox(layout, dataset_id="a")


@pytest.mark.parametrize("is_there", [True, False], ids=["shorter", "gone"])
def test_a_source_that_is_not_the_verified_one_at_a_glance_is_told(layout, is_there):
    drop_toy_h5ad(layout, "a")
    size = adopt_from_inbox(layout, dataset_id="a").size_bytes
    if is_there:
        layout.raw_h5ad("a").write_bytes(b"short")
    else:
        layout.raw_h5ad("a").unlink()
    with pytest.raises(LakeError, match=f"no longer has the {size:,} bytes that were verified"):
        read_provenance(layout, dataset_id="a")


def test_what_is_put_into_the_inbox_is_checked_first(layout):
    drop_toy_h5ad(layout, "a")
    before = layout.inbox_h5ad("a").read_bytes()

    def fill(target):
        target.write_bytes(b"<html>")
        return NOTE

    with pytest.raises(NotAnH5adError, match=r"a\.h5ad \(6 bytes\) is a web page"):
        put_into_inbox(layout, dataset_id="a", fill=fill)
    assert layout.inbox_h5ad("a").read_bytes() == before
    assert names(layout) == ["inbox/a.h5ad"]


def test_a_download_that_is_killed_leaves_nothing_in_the_inbox(layout):
    program = """
import os, signal, sys
from pathlib import Path
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.raw import put_into_inbox
def fill(target):
    target.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
put_into_inbox(Layout(Path(sys.argv[1])), dataset_id="a", fill=fill)
"""
    ended = subprocess.run([sys.executable, "-c", program, layout.root], timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not [name for name in names(layout) if name.startswith("inbox")]
    recover(layout, "a")
    assert names(layout) == []


def test_a_copy_is_independent_and_a_link_is_the_same_file(tmp_path):
    source = tmp_path / "source"
    source.write_text("cells")
    copy_or_link(source, tmp_path / "copy", link=False)
    copy_or_link(source, tmp_path / "link", link=True)
    assert (tmp_path / "copy").read_text() == (tmp_path / "link").read_text() == "cells"
    assert not (tmp_path / "copy").samefile(source)
    assert (tmp_path / "link").samefile(source)


def test_linking_a_symbolic_link_links_what_it_means(tmp_path):
    """Guards the lake, which refuses symbolic links: link(2) would make a second one."""
    (tmp_path / "source").write_text("cells")
    (tmp_path / "pointer").symlink_to("source")
    copy_or_link(tmp_path / "pointer", tmp_path / "link", link=True)
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "link").samefile(tmp_path / "source")


def test_a_link_that_the_disk_refuses_names_the_way_out(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "source").touch()
    with pytest.raises(C2SError, match=r"\(Invalid cross-device link\)\. Leave --link out to copy it"):
        copy_or_link(tmp_path / "source", tmp_path / "link", link=True)


def test_provenance_on_disk_is_plain_json(layout):
    drop_toy_h5ad(layout, "a")
    adopt_from_inbox(layout, dataset_id="a")
    assert list(json.loads(layout.raw_provenance("a").read_text())) == [
        *("url", "etag", "dataset_version_id", "retrieved_at", "converted_from"),
        *("size_bytes", "sha256", "n_obs", "n_vars", "surveyed_by"),
    ]


# --- a version that is fetched


def fetching(*, seed=0, version="v1", calls=None):
    """A fetch that writes a toy h5ad; `calls` notes each."""

    def fetch(target):
        if calls is not None:
            calls.append(version)
        write_toy_h5ad(target, seed=seed)
        return InboxNote(url="https://h/x.h5ad", dataset_version_id=version)

    return fetch


def kill_before_the_commit(layout, monkeypatch, fetch):
    """Stop while the file that has arrived is verified, which takes minutes for a large one."""

    def die(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(raw, "file_digest", die)
        with pytest.raises(KeyboardInterrupt):
            adopt_download(layout, dataset_id="a", dataset_version_id="v1", fetch=fetch)


def test_a_version_that_is_fetched_becomes_the_source(layout):
    assert held_version(layout, dataset_id="a") is None
    for seed, version in enumerate(["v1", "v2"]):
        fetch = fetching(seed=seed, version=version)
        provenance = adopt_download(layout, dataset_id="a", dataset_version_id=version, fetch=fetch)
        assert provenance == read_provenance(layout, dataset_id="a")
        assert provenance.sha256 == hashlib.sha256(layout.raw_h5ad("a").read_bytes()).hexdigest()
        assert held_version(layout, dataset_id="a") == version
        assert names(layout) == ["raw/a.h5ad", "raw/a.json"]


def test_what_has_arrived_when_a_fetch_fails_stays_for_the_next(layout):
    def fail(target):
        (target.parent / f"{target.name}.part").write_bytes(b"half")
        raise DownloadError("cut")

    drop_toy_h5ad(layout, "a", seed=1)
    old = adopt_from_inbox(layout, dataset_id="a")
    with pytest.raises(DownloadError):
        adopt_download(layout, dataset_id="a", dataset_version_id="v1", fetch=fail)
    assert read_provenance(layout, dataset_id="a") == old
    assert [name for name in names(layout) if "downloads" in name] == [".staging/downloads/a.h5ad.part"]


@pytest.mark.parametrize("is_noted", [True, False], ids=["noted", "half noted"])
def test_a_file_that_has_arrived_is_not_fetched_again(layout, monkeypatch, is_noted):
    calls = []
    kill_before_the_commit(layout, monkeypatch, fetching(calls=calls))
    if not is_noted:
        layout.download_note("a").write_text('{"url": "https')
    adopt_download(layout, dataset_id="a", dataset_version_id="v1", fetch=fetching(calls=calls))
    assert calls == (["v1"] if is_noted else ["v1", "v1"])
    assert names(layout) == ["raw/a.h5ad", "raw/a.json"]


def test_a_file_that_has_arrived_of_another_version_is_not_used(layout, monkeypatch):
    calls = []
    kill_before_the_commit(layout, monkeypatch, fetching(calls=calls))
    fetch = fetching(version="v2", calls=calls)
    adopt_download(layout, dataset_id="a", dataset_version_id="v2", fetch=fetch)
    assert calls == ["v1", "v2"]
    assert held_version(layout, dataset_id="a") == "v2"


def test_what_is_fetched_and_no_h5ad_is_removed_and_the_old_source_stays(layout):
    drop_toy_h5ad(layout, "a")
    old = adopt_from_inbox(layout, dataset_id="a")

    def fetch(target):
        target.write_bytes(b"<html>")
        return InboxNote(dataset_version_id="v1")

    with pytest.raises(NotAnH5adError, match=r"a\.h5ad \(6 bytes\)"):
        adopt_download(layout, dataset_id="a", dataset_version_id="v1", fetch=fetch)
    assert read_provenance(layout, dataset_id="a") == old
    assert names(layout) == ["raw/a.h5ad", "raw/a.json"]


def test_a_file_that_a_user_gave_is_theirs_as_long_as_it_is_there(layout):
    assert not holds_own_file(layout, dataset_id="a")
    drop_toy_h5ad(layout, "a")
    adopt_from_inbox(layout, dataset_id="a")
    layout.raw_h5ad("a").write_bytes(b"cut")
    assert holds_own_file(layout, dataset_id="a")
    layout.raw_h5ad("a").unlink()
    assert not holds_own_file(layout, dataset_id="a")


@pytest.fixture
def surveyed(monkeypatch):
    """The names of the files that were surveyed, in order."""
    names = []

    def survey(path, *, limits):
        names.append(path.name)
        return survey_h5ad(path, limits=limits)

    monkeypatch.setattr(raw, "survey_h5ad", survey)
    return names


@pytest.mark.parametrize("link", [False, True])
def test_what_was_surveyed_when_it_was_added_is_not_surveyed_again(layout, surveyed, tmp_path, link):
    source = write_toy_h5ad(tmp_path / "mine.h5ad")
    put_file_into_inbox(layout, dataset_id="a", source=source, link=link, retrieved_at="2025-01-01")
    assert surveyed == ["mine.h5ad"]
    provenance = adopt_from_inbox(layout, dataset_id="a")
    assert adopt_from_inbox(layout, dataset_id="a") == provenance
    with open_source(layout, dataset_id="a") as h5ad:
        assert h5ad.n_obs == provenance.n_obs
    assert surveyed == ["mine.h5ad"]


def test_another_file_under_the_name_of_a_surveyed_one_is_surveyed(layout, surveyed, tmp_path):
    source = write_toy_h5ad(tmp_path / "mine.h5ad")
    put_file_into_inbox(layout, dataset_id="a", source=source, link=False, retrieved_at="2025-01-01")
    drop_toy_h5ad(layout, "a", seed=1)
    adopt_from_inbox(layout, dataset_id="a")
    assert surveyed == ["mine.h5ad", "a.h5ad"]


def test_a_source_of_an_earlier_survey_is_surveyed_once_more(layout, surveyed, monkeypatch):
    drop_toy_h5ad(layout, "a")
    old = adopt_from_inbox(layout, dataset_id="a")
    monkeypatch.setattr(raw, "SURVEYED_BY", "a later one")
    with open_source(layout, dataset_id="a"):
        assert len(surveyed) == 2
    new = adopt_from_inbox(layout, dataset_id="a")
    assert new == old.model_copy(update={"surveyed_by": "a later one"})
    assert read_provenance(layout, dataset_id="a") == new
    with open_source(layout, dataset_id="a"):
        assert len(surveyed) == 3


def test_a_file_that_changes_while_it_is_copied_is_refused(layout, tmp_path):
    source = write_toy_h5ad(tmp_path / "mine.h5ad")
    with pytest.raises(NotAnH5adError, match="changed while it was copied"):
        put_file_into_inbox(
            layout,
            dataset_id="a",
            source=source,
            link=False,
            retrieved_at="2025-01-01",
            progress=lambda *_: source.write_bytes(b"other"),
        )
    assert not layout.inbox_h5ad("a").exists()
