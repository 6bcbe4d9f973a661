"""A lake in a bucket, by the commands that know one: what two machines see, and what a folder holds."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import polars as pl
import pytest

from c2s_assets import open_lake, read_expression
from c2s_assets.schemas.releases import RELEASE_DOCUMENT
from c2s_assets.storage.bucket import bucket as buckets
from c2s_assets.storage.bucket.bucket import Bucket
from c2s_assets.storage.lake.digest import files_of_tree, tree_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.lake.working_copy import working_copy_of
from c2s_assets_tests.buckets import S3, said, serve_s3
from c2s_assets_tests.cli.commanding import Machine, c2s
from c2s_assets_tests.hub import WRITER, serve_hub
from c2s_assets_tests.toy import write_toy_h5ad

_TABLES = "train_test,expression"
_POINTER = "published/lake/catalogue.json"
_LEAKS, _AUDITED = Path("catalogue/leaks.parquet"), Path("catalogue/audited_cells")
_SETTINGS = "releases: {corpus: {repo_id: me/corpus, licence: CC BY 4.0, licence_of_sources: CC BY 4.0}}\n"


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with serve_s3() as served:
        served.make_bucket()
        yield served
        # Whatever was added, built, renamed, removed, copied, asked or collected.
        assert served.n_copies == 0
        assert served.methods <= {"GET", "HEAD", "PUT", "POST", "DELETE"}


@pytest.fixture(scope="module")
def h5ad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_h5ad(tmp_path_factory.mktemp("source") / "a.h5ad")


@pytest.fixture(scope="module")
def builder(s3: S3, h5ad: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The machine that added a dataset and built some tables of it."""
    machine = Machine(tmp_path_factory.mktemp("builder"), f"{s3.address}/lake")
    assert machine.c2s("add", h5ad).status == 0
    _refuse_from_the_12th_put(Machine(tmp_path_factory.mktemp("refused"), machine.address), s3)
    assert machine.c2s("build", "a", "--only", _TABLES).status == 0
    return machine


def _refuse_from_the_12th_put(machine: Machine, s3: S3) -> None:
    """Let a build find the bucket full; all tests then read what the next one made.

    On a machine of its own: one that has asked the bucket already has the patience of three minutes.
    """
    numbers = count(1)
    full = ("507 Insufficient Storage", said("XMinioStorageFull"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buckets, "_PATIENCE", {"max_retries": 0, "retry_timeout": timedelta(seconds=5)})
        patch.setattr(s3, "fault", lambda request: full if "PUT" in request and next(numbers) >= 12 else None)
        broken = machine.c2s("build", "a", "--only", _TABLES)
    assert broken.status == 1
    assert f"{machine.address}: there is no room left" in broken.out + broken.err
    assert "built" in machine.c2s("show", "a").out


@pytest.fixture
def reader(builder: Machine, s3: S3, tmp_path: Path) -> Machine:
    """A machine that has nothing yet."""
    s3.requests.clear()
    return Machine(tmp_path / "reader", builder.address)


def test_another_machine_has_the_same_files_as_a_lake_in_a_folder(
    reader: Machine, h5ad: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "lake"
    assert c2s("add", h5ad, lake=folder).status == 0
    assert c2s("build", "a", "--only", _TABLES, lake=folder).status == 0
    assert _digests(reader.layout()) == _digests(Layout(folder))


def _digests(layout: Layout) -> list[str]:
    return [tree_digest(place) for place in (layout.datasets, layout.raw_h5ad("a"), layout.split_plan)]


def test_how_a_dataset_stands_is_told_without_its_tables(reader: Machine, s3: S3) -> None:
    told = reader.c2s("ls")
    assert (told.status, told.err) == (0, "")
    assert "8/12 built" in told.out
    assert "train_test              built              60 rows" in reader.c2s("show", "a").out
    assert not [request for request in s3.requests if request.endswith((".parquet", ".h5ad"))]


def test_a_query_is_answered_on_another_machine(builder: Machine, reader: Machine, s3: S3) -> None:
    assert "60" in builder.c2s("query", "select n_cells from datasets").out
    s3.requests.clear()
    told = reader.c2s("query", "select count(distinct donor_id) from cells")
    assert (told.status, told.err, "4" in told.out) == (0, "", True)
    # The catalogue is built once for each version of the lake, and of the tables one is asked.
    assert not [request for request in s3.requests if "PUT" in request]
    (fetched,) = (request for request in s3.requests if ".parquet" in request)
    assert "/a/cell_metadata/" in fetched


def test_who_may_only_read_asks_a_catalogue_of_its_own(
    reader: Machine, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(request: str) -> tuple[str, bytes] | None:
        if request.endswith(_POINTER):
            return "404 Not Found", said("NoSuchKey")
        return None if request.startswith(("GET", "HEAD")) else ("403 Forbidden", said("AccessDenied"))

    monkeypatch.setattr(s3, "fault", refuse)
    told = reader.c2s("query", "select n_cells from datasets")
    assert ("60" in told.out, "you have no right to do this" in told.err) == (True, True), told.err
    told = reader.c2s("query", "select count(*) from cells")
    assert (told.status, told.err) == (0, ""), "it is renewed once for each version"


def test_of_two_machines_that_build_the_catalogue_at_once_the_slower_one_takes_that_of_the_other(
    builder: Machine, reader: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, swap, others = working_copy_of(builder.layout()), Bucket.swap, [reader]
    assert copy is not None
    copy.bucket.delete([_POINTER])

    def swap_later(bucket: Bucket, key: str, text: str, *, expected: str | None) -> str:
        if key == _POINTER and others:
            assert "60" in others.pop().c2s("query", "select n_cells from datasets").out
        return swap(bucket, key, text, expected=expected)

    monkeypatch.setattr(Bucket, "swap", swap_later)
    told = builder.c2s("query", "select n_cells from datasets")
    assert ("60" in told.out, told.err.count("c2s:")) == (True, 1), told.err
    assert not others
    shown = {reading.layout().catalogue.read_bytes() for reading in (builder, reader)}
    assert len(shown) == 1


def test_python_reads_the_lake_by_its_address(reader: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2S_CACHE", str(reader.cache))
    sides = open_lake(reader.address).training(columns=["cell_id", "split"]).collect()
    assert sides.height == 60
    adata = read_expression("a", genes=["GENE1"], cells=pl.col("donor_id") == "donor_0", lake=reader.address)
    assert adata.shape == (15, 1)


def test_what_is_removed_is_gone_on_other_machines(s3: S3, h5ad: Path, tmp_path: Path) -> None:
    first, second = (Machine(tmp_path / name, f"{s3.address}/other") for name in ("first", "second"))
    first.c2s("add", h5ad)
    assert "a " in second.c2s("ls").out
    assert second.c2s("rm", "a", "--yes").status == 0
    assert "No dataset" in first.c2s("ls").out


def test_a_bucket_without_a_right_is_named(reader: Machine, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "fault", lambda _: ("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>"))
    told = reader.c2s("ls")
    assert told.status == 1
    assert f"{reader.address}: you have no right to do this" in told.err


def test_a_shape_is_read_as_what_it_stands_for(reader: Machine) -> None:
    path = reader.layout().table("cell_metadata", "a")
    assert path.read_bytes().strip(b"\0") == b""
    assert present(path).read_bytes().startswith(b"PAR1")


def test_path_says_where_a_table_is_and_polars_reads_it_there(reader: Machine, s3: S3) -> None:
    (place,) = reader.c2s("path", "a", "cell_metadata").out.split()
    options = {"aws_endpoint_url": s3.endpoint, "aws_allow_http": "true"}
    assert pl.read_parquet(place, storage_options=options).height == 60
    sides = reader.c2s("path", "a", "train_test").out.split()
    assert sum(pl.read_parquet(f"{side}/*.parquet", storage_options=options).height for side in sides) == 60


def test_a_lake_comes_back_from_a_bucket_as_it_was(builder: Machine, s3: S3, tmp_path: Path) -> None:
    here, there, back = tmp_path / "here", f"{s3.address}/copied", tmp_path / "back"
    machine = Machine(tmp_path / "cache", there)
    assert machine.c2s("sync", builder.address, here).status == 0
    assert machine.c2s("sync", here, there).status == 0
    assert machine.c2s("sync", there, back).status == 0
    assert _digests(Layout(back)) == _digests(Layout(here)) == _digests(builder.layout())
    s3.requests.clear()
    assert "; 0.0 MB were copied" in machine.c2s("sync", here, there).out
    assert {request.split()[0] for request in s3.requests} == {"GET"}


def test_gc_says_and_changes_nothing_until_it_is_agreed(builder: Machine, s3: S3) -> None:
    before = s3.objects(s3.address)
    told = builder.c2s("gc")
    assert "would be removed: add --yes" in told.out
    assert s3.objects(s3.address) == before


def test_a_dataset_is_renamed_and_built_under_its_new_name_elsewhere(
    builder: Machine, s3: S3, tmp_path: Path
) -> None:
    address = f"{s3.address}/renamed"
    first, second = (Machine(tmp_path / name, address) for name in ("first", "second"))
    assert first.c2s("sync", builder.address, address).status == 0
    s3.requests.clear()
    assert second.c2s("mv", "a", "b").status == 0
    assert not [request for request in s3.requests if request.startswith("GET") and ".h5ad" in request]
    assert first.c2s("build", "b", "--only", "cell_metadata").status == 0
    assert "cell_metadata           built              60 rows" in second.c2s("show", "b").out
    assert second.c2s("show", "a").status == 1


def test_what_is_made_of_a_lake_in_a_bucket_is_what_is_made_of_a_folder(
    builder: Machine, s3: S3, tmp_path: Path
) -> None:
    """By a machine that has fetched nothing before."""
    address, folder = f"{s3.address}/other", tmp_path / "lake"
    assert c2s("sync", builder.address, folder, lake=folder).status == 0
    Layout(folder).settings.write_text(_SETTINGS)
    assert Machine(tmp_path / "first", address).c2s("sync", folder, address).status == 0
    reader = Machine(tmp_path / "reader", address)
    with serve_hub(tmp_path / "hub") as hub, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", WRITER)
        patch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        for command in (["audit"], ["release", "corpus"], ["publish", "corpus", "--dry-run"], ["health"]):
            ours = reader.c2s(*command, hub=hub.url)
            theirs = c2s(*command, lake=folder, hub=hub.url)
            assert (ours.status, ours.err) == (theirs.status, theirs.err), command
        published = Machine(tmp_path / "publisher", address).c2s("publish", "corpus", hub=hub.url)
        assert (published.status, "published as version" in published.out) == (0, True), published.err
    for folder_of_exports in ("ours", "theirs"):
        (tmp_path / folder_of_exports).mkdir()
    for what in ("training", "sides", "cell2sentence"):
        assert reader.c2s("export", what, "--to", tmp_path / "ours" / what).status == 0
        assert c2s("export", what, "--to", tmp_path / "theirs" / what, lake=folder).status == 0
    here, there = Layout(folder), Machine(tmp_path / "last", address).layout()
    names = {file.relative_to(here.releases) for file in files_of_tree(here.releases)}
    # The document says of what audit it is, and an audit which files it saw on what disk.
    for place in (
        *(Path("releases", name) for name in names if name.name != RELEASE_DOCUMENT),
        _LEAKS,
        _AUDITED,
    ):
        assert tree_digest(there.root / place) == tree_digest(here.root / place), place
    assert tree_digest(tmp_path / "ours" / "training") == tree_digest(tmp_path / "theirs" / "training")
