"""A biologist's first session: three files of her own, an empty folder, and no file of settings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import yaml

from c2s_assets_tests.cli.commanding import Said, c2s
from c2s_assets_tests.end_to_end.biologist_files import write_mouse, write_seurat, write_tenx

_MOST_LINES = 6


@dataclass(frozen=True)
class Session:
    """What was said of each file, and the lake that came of it."""

    looks: dict[str, Said]
    entries: dict[str, str]
    added: dict[str, Said]
    built: Said
    lake: Path

    def read(self, dataset_id: str, *columns: str) -> pl.DataFrame:
        return pl.read_parquet(self.lake / "datasets" / dataset_id / "cell_metadata.parquet").select(columns)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Look at each file, write down what is proposed, add them, and build their cells."""
    folder = tmp_path_factory.mktemp("session")
    lake = folder / "lake"
    writers: dict[str, Callable[[Path], Path]] = {
        "tenx": write_tenx,
        "liver": write_seurat,
        "mice": write_mouse,
    }
    files = [write(folder / f"{name}.h5ad") for name, write in writers.items()]
    looks = {file.stem: c2s("look", file, lake=lake) for file in files}
    assert not lake.exists()
    entries = {name: said.out[said.out.index("datasets:") :] for name, said in looks.items()}
    added = {file.stem: c2s("add", file, lake=lake) for file in files}
    proposed = {name: yaml.safe_load(text)["datasets"][name] for name, text in entries.items()}
    (lake / "datasets.yaml").write_text(yaml.safe_dump({"datasets": proposed}))
    built = c2s("build", "--only", "cell_metadata", *writers, lake=lake)
    return Session(looks, entries, added, built, lake)


def test_nothing_fails_and_no_entry_has_more_than_six_lines(session: Session) -> None:
    for said in (*session.looks.values(), *session.added.values(), session.built):
        assert said.status == 0, said.err
    assert {name: len(text.splitlines()) for name, text in session.entries.items()} == {
        "tenx": 6,
        "liver": 6,
        "mice": 5,
    }
    assert all(len(text.splitlines()) <= _MOST_LINES for text in session.entries.values())


def test_what_is_proposed_is_what_a_person_would_write(session: Session) -> None:
    written = {name: yaml.safe_load(text)["datasets"][name] for name, text in session.entries.items()}
    assert written == {
        "tenx": {
            "organism": "Homo sapiens",
            "donor_column": "PatientID",
            "age_column": "Age_at_sampling",
            "cell_type_column": "CellType",
        },
        "liver": {
            "organism": "Homo sapiens",
            "donor_column": "orig.ident",
            "age_column": "age_yrs",
            "cell_type_column": "celltype.l2",
        },
        "mice": {
            "organism": "Mus musculus",
            "donor_column": "mouse.id",
            "cell_type_column": "cell_ontology_class",
        },
    }


def test_a_look_shows_columns_matrix_and_what_checks_will_say(session: Session) -> None:
    page = session.looks["tenx"].out
    assert "tenx.h5ad: 120 cells, 60 features" in page
    columns = {
        line.split()[0]: line.split(maxsplit=1)[1] for line in page.splitlines() if " values   " in line
    }
    assert columns["PatientID"] == "6 values   P00 (20), P01 (20), P02 (20) ...   <- donor"
    assert columns["Age_at_sampling"] == "6 values   24 to 79   <- age"
    assert "matrix: X. X is the first that holds counts" in page
    assert "  ok    6 donors, every cell has one." in page
    assert "  ok    120 of 120 cells have an age." in page
    assert "note" not in page
    assert f"write it into {session.lake / 'datasets.yaml'}, then: c2s add" in session.looks["tenx"].err


def test_donors_ages_and_types_are_read_as_meant(session: Session) -> None:
    for dataset_id, n_donors, ages, n_types in (
        ("tenx", 6, {24.0, 35.0, 46.0, 57.0, 68.0, 79.0}, 3),
        ("liver", 5, {31.0, 40.0, 49.0, 58.0, 67.0}, 3),
        ("mice", 6, {0.25, 1.5, 2.0}, 2),
    ):
        cells = session.read(dataset_id, "donor_id", "has_known_donor", "age", "cell_type")
        assert cells["donor_id"].n_unique() == n_donors
        assert cells["has_known_donor"].all()
        assert set(cells["age"]) == ages
        assert cells["cell_type"].n_unique() == n_types


def test_a_look_at_what_is_in_the_lake_says_that_nothing_is_missing(session: Session) -> None:
    said = c2s("look", "mice", lake=session.lake)
    assert said.status == 0, said.err
    assert "organism: Mus musculus" in said.out
    assert "Nothing more has to be said of it" in said.err
    assert "c2s build mice" in said.err
    assert "c2s add" not in said.err
