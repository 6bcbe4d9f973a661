"""Adding files: ids, names that are taken, and what is said of what cannot be added."""

import fcntl
import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import pytest

from c2s_assets.core.errors import C2SError, KnownFileError, NotAnH5adError, SourceError, TakenIdError
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.adding import Remote, Wish, add_path, add_remote
from c2s_assets.storage.sources.formats.recognise import Format
from c2s_assets.storage.sources.provenance import read_provenance
from c2s_assets.storage.sources.raw import adopt_from_inbox
from c2s_assets_tests.defs.building import files_below
from c2s_assets_tests.storage.sources.apart import nothing_apart
from c2s_assets_tests.toy import make_lake, write_toy_h5ad

AS_IT_IS = Wish()
__all__ = ["nothing_apart"]
pytestmark = pytest.mark.usefixtures("nothing_apart")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return make_lake(tmp_path)


@pytest.fixture
def atlas(tmp_path: Path) -> Path:
    return write_toy_h5ad(tmp_path / "atlas.h5ad")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    (tmp_path / "other").mkdir()
    return write_toy_h5ad(tmp_path / "other" / "atlas.h5ad", seed=1)


def test_a_file_comes_under_an_id_made_of_its_name(layout: Layout, tmp_path: Path) -> None:
    added = add_path(layout, write_toy_h5ad(tmp_path / "My atlas é.h5ad"), AS_IT_IS)
    assert (added.dataset_id, added.name, added.is_new) == ("My_atlas_e", "My atlas é.h5ad", True)
    assert added.format is Format.H5AD
    assert added.path == layout.inbox_h5ad("My_atlas_e")


def test_an_id_that_is_given_is_taken_as_it_is(layout: Layout, atlas: Path) -> None:
    assert add_path(layout, atlas, Wish(dataset_id="mine")).name is None
    with pytest.raises(C2SError, match="cannot be a dataset id"):
        add_path(layout, atlas, Wish(dataset_id="my atlas"))


@pytest.mark.parametrize("is_adopted", [False, True], ids=["waiting", "adopted"])
def test_another_file_under_a_taken_id_is_refused_and_nothing_changes(
    layout: Layout, atlas: Path, other: Path, is_adopted: bool
) -> None:
    add_path(layout, atlas, AS_IT_IS)
    if is_adopted:
        adopt_from_inbox(layout, dataset_id="atlas")
    before = files_below(layout.root)
    where = layout.raw_h5ad("atlas") if is_adopted else layout.inbox_h5ad("atlas")
    with pytest.raises(TakenIdError, match=r"'atlas' is taken.*--id NAME.*--replace") as caught:
        add_path(layout, other, AS_IT_IS)
    assert str(where) in str(caught.value)
    assert str(other) in str(caught.value)
    assert files_below(layout.root) == before


@pytest.mark.parametrize("is_adopted", [False, True], ids=["waiting", "adopted"])
def test_the_same_bytes_under_a_taken_id_are_no_problem(
    layout: Layout, atlas: Path, tmp_path: Path, is_adopted: bool
) -> None:
    add_path(layout, atlas, AS_IT_IS)
    if is_adopted:
        adopt_from_inbox(layout, dataset_id="atlas")
    before = files_below(layout.root)
    copy = tmp_path / "copy of it"
    copy.write_bytes(atlas.read_bytes())
    added = add_path(layout, copy, Wish(dataset_id="atlas"))
    assert not added.is_new
    assert added.path == (layout.raw_h5ad("atlas") if is_adopted else layout.inbox_h5ad("atlas"))
    assert files_below(layout.root) == before


def test_the_same_bytes_under_another_id_are_refused_unless_asked_for(
    layout: Layout, atlas: Path, tmp_path: Path
) -> None:
    (layout.inbox / "a folder.h5ad").mkdir(parents=True)
    add_path(layout, atlas, AS_IT_IS)
    copy = Path(shutil.copy(atlas, tmp_path / "copy.h5ad"))
    for _ in ("waiting", "the source"):
        with pytest.raises(KnownFileError, match=r"copy.h5ad is in the lake already, as 'atlas'.*--again"):
            add_path(layout, copy, AS_IT_IS)
        if layout.inbox_h5ad("atlas").exists():
            adopt_from_inbox(layout, dataset_id="atlas")
    assert add_path(layout, copy, Wish(again=True)).is_new


def test_what_was_converted_is_known_by_what_it_was_made_of(
    layout: Layout, atlas: Path, tmp_path: Path
) -> None:
    zipped = tmp_path / "one.h5ad.gz"
    zipped.write_bytes(gzip.compress(atlas.read_bytes(), mtime=0))
    add_path(layout, zipped, AS_IT_IS)
    with pytest.raises(KnownFileError, match="as 'one'"):
        add_path(layout, Path(shutil.copy(zipped, tmp_path / "two.h5ad.gz")), AS_IT_IS)


def test_a_file_is_replaced_where_that_is_asked_for(layout: Layout, atlas: Path, other: Path) -> None:
    add_path(layout, atlas, AS_IT_IS)
    adopt_from_inbox(layout, dataset_id="atlas")
    assert add_path(layout, other, Wish(replace=True)).is_new
    assert layout.inbox_h5ad("atlas").read_bytes() == other.read_bytes()
    # What waits counts: the source is the first file, and yet that is no longer what is under the id.
    with pytest.raises(TakenIdError, match="waits in the inbox"):
        add_path(layout, atlas, AS_IT_IS)


def test_a_source_that_was_damaged_is_put_in_place_again(layout: Layout, atlas: Path, other: Path) -> None:
    """The message on a changed source asks for the file to be added again, under the id that it has."""
    add_path(layout, atlas, AS_IT_IS)
    adopt_from_inbox(layout, dataset_id="atlas")
    raw = layout.raw_h5ad("atlas")
    raw.write_bytes(raw.read_bytes()[:-1] + b"?")
    with pytest.raises(TakenIdError):
        add_path(layout, other, AS_IT_IS)
    assert add_path(layout, atlas, AS_IT_IS).is_new
    adopt_from_inbox(layout, dataset_id="atlas")
    assert raw.read_bytes() == atlas.read_bytes()


def test_a_source_without_its_document_is_not_replaced_unasked(
    layout: Layout, atlas: Path, other: Path
) -> None:
    write_toy_h5ad(layout.raw_h5ad("atlas"))
    with pytest.raises(TakenIdError):
        add_path(layout, other, AS_IT_IS)
    assert add_path(layout, atlas, AS_IT_IS).is_new


def test_what_waits_and_is_no_file_is_told(layout: Layout, atlas: Path) -> None:
    layout.inbox_h5ad("atlas").mkdir()
    with pytest.raises(C2SError, match="is not a file"):
        add_path(layout, atlas, AS_IT_IS)


# --- from an address


def remote(source: Path, *, etag: str | None = None, size: int | None = -1, calls: list[Path]) -> Remote:
    def fetch(path: Path) -> None:
        calls.append(path)
        path.write_bytes(source.read_bytes())

    announced = source.stat().st_size if size == -1 else size
    return Remote("https://host/atlas.h5ad", "atlas.h5ad", etag, announced, fetch)


def test_a_download_says_where_it_came_from(layout: Layout, atlas: Path) -> None:
    calls: list[Path] = []
    assert add_remote(layout, remote(atlas, etag='"1"', calls=calls), AS_IT_IS).is_new
    provenance = adopt_from_inbox(layout, dataset_id="atlas")
    assert (provenance.url, provenance.etag) == ("https://host/atlas.h5ad", '"1"')
    assert provenance.converted_from is None
    assert layout.staging.exists()
    assert not calls[0].parent.exists()


def test_another_file_is_refused_before_it_is_fetched(layout: Layout, atlas: Path, other: Path) -> None:
    add_path(layout, atlas, AS_IT_IS)
    calls: list[Path] = []
    for size in (1, None):
        with pytest.raises(TakenIdError, match=r"another file than https://host/atlas\.h5ad"):
            add_remote(layout, remote(other, size=size, calls=calls), AS_IT_IS)
    assert calls == []
    assert add_remote(layout, remote(other, size=1, calls=calls), Wish(replace=True)).is_new


def test_a_file_of_the_same_size_is_fetched_and_compared(layout: Layout, atlas: Path, tmp_path: Path) -> None:
    add_path(layout, atlas, AS_IT_IS)
    before = files_below(layout.inbox)
    assert not add_remote(layout, remote(atlas, calls=[]), AS_IT_IS).is_new
    changed = tmp_path / "changed.h5ad"
    changed.write_bytes(atlas.read_bytes())
    with h5py.File(changed, "a") as file:
        file["obsm/X_umap"][0, 0] = 77
    with pytest.raises(TakenIdError):
        add_remote(layout, remote(changed, size=atlas.stat().st_size, calls=[]), AS_IT_IS)
    assert files_below(layout.inbox) == before


def test_a_version_that_the_lake_has_is_not_fetched_again(layout: Layout, atlas: Path) -> None:
    calls: list[Path] = []
    for _ in range(2):
        add_remote(layout, remote(atlas, etag='"1"', calls=calls), AS_IT_IS)
    adopt_from_inbox(layout, dataset_id="atlas")
    assert not add_remote(layout, remote(atlas, etag='"1"', calls=calls), AS_IT_IS).is_new
    assert len(calls) == 1
    add_remote(layout, remote(atlas, etag='W/"1"', calls=calls), AS_IT_IS)
    assert len(calls) == 2


def test_what_is_fetched_and_no_dataset_is_told_with_its_address(layout: Layout, tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.write_text("<!DOCTYPE html><html>Please log in")
    with pytest.raises(
        NotAnH5adError, match=r"is a web page \(HTML\).*It came from https://host/atlas.h5ad\."
    ):
        add_remote(layout, remote(page, calls=[]), AS_IT_IS)
    assert files_below(layout.inbox) == {}


# --- what cannot be read


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up the rights of root, which may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_without_permission_is_called_so(layout: Layout, atlas: Path) -> None:
    atlas.chmod(0)
    with as_nobody(), pytest.raises(C2SError, match=r"no permission to read it\. Ask its owner"):
        add_path(layout, atlas, AS_IT_IS)


def test_a_file_that_is_open_for_writing_is_called_so(layout: Layout, atlas: Path) -> None:
    """HDF5 locks a file that it writes; within one process it would not ask for the lock."""
    with atlas.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(NotAnH5adError, match="is open elsewhere for writing"):
            add_path(layout, atlas, AS_IT_IS)


def test_a_file_whose_writer_has_died_is_called_so(layout: Layout, atlas: Path, tmp_path: Path) -> None:
    """HDF5 marks a file of its latest format as open until it is closed; on some disks nothing else does."""
    with h5py.File(tmp_path / "new.h5ad", "w", libver="latest") as file:
        file["X"] = [1]
        file.flush()
        atlas.write_bytes((tmp_path / "new.h5ad").read_bytes())
    with pytest.raises(NotAnH5adError, match="was not closed by whoever wrote it"):
        add_path(layout, atlas, AS_IT_IS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "is not a file, nor a folder"),
        (os.mkfifo, "is neither a file nor a folder"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links"),
        (Path.touch, r"\(0 bytes\) is empty"),
        (Path.mkdir, "is a folder without matrix.mtx"),
    ],
    ids=["nothing", "a pipe", "a loop", "empty", "an empty folder"],
)
def test_what_is_no_file_is_told(
    layout: Layout, tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path / "a.h5ad")
    with pytest.raises(C2SError, match=message):
        add_path(layout, tmp_path / "a.h5ad", AS_IT_IS)


def test_a_name_that_is_too_long_for_the_disk_is_told(layout: Layout) -> None:
    with pytest.raises(C2SError, match="cannot be read: File name too long"):
        add_path(layout, Path("x" * 5000), AS_IT_IS)


def test_what_is_dropped_and_no_h5ad_is_named_by_the_build(layout: Layout) -> None:
    layout.inbox_h5ad("a").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(SourceError, match=r"a\.h5ad .* is a pointer of Git LFS.*git lfs pull"):
        adopt_from_inbox(layout, dataset_id="a")
    with pytest.raises(C2SError):
        read_provenance(layout, dataset_id="a")
