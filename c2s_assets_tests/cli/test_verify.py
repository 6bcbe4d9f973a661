"""`c2s verify-split`: what is wrong with the files of a split is found without their lake."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from c2s_assets.core.splits.certificate import CERTIFICATE, CERTIFIED_MANIFEST
from c2s_assets.storage.choosing import present_tables
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.record import read_record
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.splits.certifying import certify
from c2s_assets.storage.training import export_training
from c2s_assets_tests.cli.commanding import Said, c2s
from c2s_assets_tests.corpus import make_corpus
from c2s_assets_tests.storage.leaks.planting import audit_lake

TRAIN, TEST = "train/part-00000.parquet", "test/part-00000.parquet"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return make_corpus(tmp_path_factory)


@pytest.fixture(scope="module")
def exported(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "corpus"
    export_training(layout, folder)
    return folder


@pytest.fixture
def corpus(exported: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(exported, tmp_path / "corpus"))


def verify(*places: Path) -> Said:
    return c2s("verify-split", *places, lake="no/lake/is/needed")


def found_in(*places: Path) -> str:
    said = verify(*places)
    assert said.status == 1, said.out
    return said.out


def rewrite(path: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    rows = pl.read_parquet(path)
    change(rows).write_parquet(path)


def move_rows(corpus: Path, rows: pl.Expr) -> pl.DataFrame:
    """Put rows of train into test, as somebody would who draws sides anew."""
    moved = pl.read_parquet(corpus / TRAIN).filter(rows)
    rewrite(corpus / TRAIN, lambda train: train.filter(~rows))
    rewrite(corpus / TEST, lambda test: pl.concat([test, moved.with_columns(split=pl.lit("test"))]))
    return moved


def test_an_export_proves_itself_and_says_what_was_checked(corpus: Path) -> None:
    said = verify(corpus)
    assert (said.status, said.err) == (0, "")
    n = {side: pl.read_parquet(corpus / side).height for side in ("train", "test")}
    assert f"3 datasets, 4 donors, 176 cells: {n['train']} train, 0 validation, {n['test']} test" in said.out
    assert "certificate of split plan 1.0" in said.out
    assert "copies under other names were not looked for" in said.out
    assert said.out.endswith("nothing found\n")


def test_the_leaks_of_an_audit_are_told_of_the_files_that_it_has_seen_and_of_no_others(
    layout: Layout, tmp_path: Path
) -> None:
    ours = Layout(Path(shutil.copytree(layout.root, tmp_path / "lake")))
    audit_lake(ours)
    export_training(ours, tmp_path / "seen")
    said = verify(tmp_path / "seen")
    assert "the last audit has seen these sides, and found 0 leaks" in said.out

    test = ours.parts("test", "lung") / "chunk_0000.parquet"
    rewrite(test, lambda rows: rows[1:])
    built = read_record(ours, "lung").built["train_test"]
    again = built.model_copy(update={"digest": tree_digest(*ours.places("train_test", "lung"))})
    again.files[str(test.relative_to(ours.root))] = test.stat().st_size
    with stage(ours, "lung") as staged:
        staged.commit(record=lambda record: record.with_built("train_test", again))
    export_training(ours, tmp_path / "unseen")
    said = verify(tmp_path / "unseen")
    assert said.status == 0
    assert "not looked for in 1 of 3 datasets, the first is 'lung': run c2s audit" in said.out
    assert json.loads((tmp_path / "unseen" / CERTIFICATE).read_text())["n_leaks"] is None


def test_the_files_of_a_lake_are_checked_without_a_certificate(layout: Layout) -> None:
    folders = [path for path in layout.root.glob("datasets/*/*") if path.name in ("train", "test")]
    said = verify(*folders)
    assert (said.status, said.err) == (0, "")
    assert "3 datasets, 4 donors, 176 cells" in said.out
    assert "no certificate: only what the rows show was checked" in said.out
    assert verify(layout.root / "datasets").out == said.out, "other tables of a dataset are no sides"


def test_a_torn_donor_is_named_with_or_without_a_certificate(corpus: Path) -> None:
    first = pl.read_parquet(corpus / TRAIN).filter(pl.col("fold").is_not_null())["donor_uid"].drop_nulls()[0]
    moved = move_rows(corpus, (pl.col("donor_uid") == first).fill_null(value=False) & (pl.col("age") >= 0))
    rewrite(corpus / TRAIN, lambda train: pl.concat([train, moved[:1].with_columns(split=pl.lit("train"))]))
    rewrite(corpus / TEST, lambda test: test[:-1])
    out = found_in(corpus)
    assert f"FOUND donor {first!r} is to be in 'train', and {moved.height - 1} cells are elsewhere" in out
    torn = f"FOUND donor {first!r} is on several sides: 1 cells in train, {moved.height - 1} cells in test"
    assert torn in found_in(corpus)
    (corpus / CERTIFICATE).unlink()
    assert torn in found_in(corpus)


def test_a_cell_on_two_sides_is_named(corpus: Path) -> None:
    copied = pl.read_parquet(corpus / TRAIN)[:1].with_columns(split=pl.lit("test"))
    rewrite(corpus / TEST, lambda test: pl.concat([test, copied]))
    (corpus / CERTIFICATE).unlink()
    cell, dataset = copied["cell_id"][0], copied["dataset_id"][0]
    assert f"FOUND cell {cell!r} of {dataset!r} is on test and train" in found_in(corpus)


def test_rows_that_say_another_side_than_their_folder_are_counted(corpus: Path) -> None:
    rewrite(corpus / TRAIN, lambda train: train.with_columns(split=pl.lit("test")))
    n = pl.read_parquet(corpus / TRAIN).height
    expected = f"{corpus / TRAIN}: column split of {n} rows names another side than train"
    assert expected in found_in(corpus)


def test_files_outside_folders_of_sides_are_told_by_their_rows(corpus: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    shutil.copy(corpus / TRAIN, flat / "a.parquet")
    shutil.copy(corpus / TEST, flat / "b.parquet")
    assert verify(flat).status == 0
    assert verify(flat / "a.parquet", flat / "b.parquet", flat).status == 0, "a file that is named twice"
    shutil.copy(corpus / TRAIN, flat / "c.parquet")
    out = found_in(flat)
    assert "is there 2 times" in out
    n = pl.read_parquet(corpus / TRAIN).height
    assert f"FOUND and {n - 20} more cells like this" in out


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda at: (at / TEST).unlink(), f"FOUND {TEST!r} is certified, and missing"),
        (lambda at: shutil.copy(at / TEST, at / "test/more.parquet"), "is there, and not certified"),
        (lambda at: (at / TEST).write_bytes(b"PAR1 and no more"), "part-00000.parquet: cannot be read: "),
        (lambda at: (at / CERTIFIED_MANIFEST).unlink(), f"{CERTIFIED_MANIFEST!r} is certified, and missing"),
        (lambda at: (at / CERTIFICATE).write_text("[]"), "is no certificate of a split. Fetch it again."),
        (
            lambda at: rewrite(at / TEST, lambda rows: rows.with_columns(cell_sentence=pl.lit("A"))),
            f"FOUND {TEST!r} is not the file that is certified: its SHA-256 is another",
        ),
        (
            lambda at: rewrite(at / TEST, lambda rows: rows[1:]),
            f"FOUND {TEST!r} has 31 rows, and 32 are certified",
        ),
    ],
    ids=[
        "no file",
        "a file more",
        "half a file",
        "no manifest",
        "torn certificate",
        "another text",
        "a row less",
    ],
)
def test_files_that_are_not_those_of_the_certificate_are_found(
    corpus: Path, spoil: Callable[[Path], object], expected: str
) -> None:
    spoil(corpus)
    assert expected in found_in(corpus)


def test_a_manifest_that_is_edited_is_found_and_what_it_says_counts(corpus: Path) -> None:
    """The digest of it could be edited as well."""
    manifest = corpus / CERTIFIED_MANIFEST
    known = pl.col("split") == "test"
    edited = pl.when(known).then(pl.lit("train")).otherwise("split").alias("split")
    rewrite(manifest, lambda rows: rows.with_columns(edited))
    out = found_in(corpus)
    assert f"FOUND {CERTIFIED_MANIFEST!r} is not the file that is certified" in out
    assert "is to be in 'train', and" in out


def test_a_person_under_two_ids_and_one_in_quarantine_are_found(corpus: Path) -> None:
    said = pl.read_parquet(corpus / CERTIFIED_MANIFEST).drop_nulls("component_id")
    one, other = (said.filter(pl.col("split") == side)["donor_uid"][0] for side in ("train", "test"))
    same = pl.col("component_id").replace({other: one})
    held = pl.when(pl.col("donor_uid") == one).then(3).otherwise("n_quarantined").alias("n_quarantined")
    rewrite(corpus / CERTIFIED_MANIFEST, lambda rows: rows.with_columns(same, held))
    out = found_in(corpus)
    names = ", ".join(map(repr, sorted([one, other])))
    assert f"FOUND person {one!r} is on several sides as {names}" in out
    assert f"FOUND donor {one!r} is in quarantine" in out


def test_counts_of_a_certificate_that_is_edited_are_found(corpus: Path) -> None:
    path = corpus / CERTIFICATE
    says = json.loads(path.read_text())
    says["sides"]["test"]["n_donors"] += 1
    path.write_text(json.dumps(says))
    out = found_in(corpus)
    assert "FOUND test: there are 32 cells of 1 donor and 3 datasets, and certified are 32 cells of 2" in out


@pytest.mark.parametrize(
    "edit",
    [
        {"files": []},
        {"sides": {"test": 3}},
        {"n_leaks": "many"},
        {"datasets": {"a": 1}},
        {"format": "another"},
    ],
    ids=["files", "sides", "leaks", "datasets", "format"],
)
def test_a_certificate_that_is_none_is_said_to_be_none(corpus: Path, edit: dict[str, object]) -> None:
    path = corpus / CERTIFICATE
    path.write_text(json.dumps({**json.loads(path.read_text()), **edit}))
    assert f"FOUND {path} is " in found_in(corpus)


def test_bytes_that_are_no_text_are_found(corpus: Path) -> None:
    (corpus / CERTIFICATE).write_bytes(b"\xff\xfe\xff")
    assert "is no certificate of a split" in found_in(corpus)


def test_a_manifest_with_other_columns_or_sides_is_found(corpus: Path) -> None:
    rewrite(corpus / CERTIFIED_MANIFEST, lambda rows: rows.with_columns(split=pl.lit("nowhere")))
    assert "is to be in 'nowhere', and" in found_in(corpus)
    rewrite(corpus / CERTIFIED_MANIFEST, lambda rows: rows.drop("donor_uid"))
    assert "has no column donor_uid, so it is no manifest" in found_in(corpus)


def test_what_is_no_split_is_said_to_be_none(tmp_path: Path) -> None:
    assert "no Parquet file of a side in it" in found_in(tmp_path)
    assert "is not there" in found_in(tmp_path / "nowhere")
    pl.DataFrame({"mine": [1, 2]}).write_parquet(tmp_path / "mine.parquet")
    out = found_in(tmp_path)
    assert "FOUND 2 rows are on no side" in out
    assert "FOUND 2 rows have no cell_id" in out


def test_the_same_files_are_certified_with_the_same_text(layout: Layout, corpus: Path) -> None:
    before = (corpus / CERTIFICATE).read_bytes()
    certify(corpus, layout, present_tables(layout, read_settings(layout), "train_test", None))
    assert (corpus / CERTIFICATE).read_bytes() == before


def test_the_module_needs_pyarrow_and_numpy_only(exported: Path) -> None:
    code = (
        "import sys; from c2s_assets.verify import main\n"
        f"status = main([{str(exported)!r}])\n"
        "print(status, sorted({'dagster', 'polars', 'pandera', 'pydantic', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("nothing found\n0 []\n")
