from pathlib import Path

import h5py
import numpy as np
import pytest

from c2s_assets.core.errors import NotAnH5adError, SourceError, UnsafeFileError
from c2s_assets.storage.h5ad import apart, survey
from c2s_assets.storage.h5ad.apart import identity_of
from c2s_assets.storage.h5ad.survey import survey_h5ad
from c2s_assets_tests.storage.h5ad.checksums import find_checksummed, mend
from c2s_assets_tests.storage.h5ad.files import COUNTS, add_categorical, add_frame, add_sparse, write_counts


def test_a_file_that_can_be_read_is_described(tmp_path: Path) -> None:
    path = write_counts(tmp_path / "a.h5ad")
    found = survey_h5ad(path)
    assert (found.n_obs, found.n_vars) == COUNTS.shape
    assert found.identity == identity_of(path)


def test_a_file_that_crashes_hdf5_is_refused_and_we_live(tmp_path: Path) -> None:
    """The index of a group's links says that there are more of them than it holds."""
    path = tmp_path / "a.h5ad"
    with h5py.File(path, "w", libver="latest") as file:
        add_frame(file, "obs", ["a", "b", "c"])
        add_frame(file, "var", ["g0", "g1", "g2", "g3"])
        add_sparse(file, "X", COUNTS)
        for position in range(20):
            file[f"uns/many/{position}"] = position
    content = bytearray(path.read_bytes())
    structures = find_checksummed(bytes(content))
    content[content.index(b"BTHD") + 26] = 255
    mend(content, structures)
    path.write_bytes(content)
    with pytest.raises(UnsafeFileError, match=r"a\.h5ad crashes the HDF5 library \(SIGSEGV\)"):
        survey_h5ad(path)


def test_a_file_that_is_no_h5ad_is_refused_in_the_words_of_the_rehearsal(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    path.write_text("<html>")
    with pytest.raises(NotAnH5adError, match=r"a\.h5ad \(6 bytes\) is not a complete HDF5 file"):
        survey_h5ad(path)


@pytest.mark.parametrize(
    ("does", "error", "said"),
    [
        ("SIGSEGV", UnsafeFileError, r"a\.h5ad crashes the HDF5 library \(SIGSEGV\)"),
        ("SIGFPE", UnsafeFileError, r"a\.h5ad crashes the HDF5 library \(SIGFPE\)"),
        ("SIGABRT", UnsafeFileError, r"a\.h5ad takes too much memory to read, or crashes"),
        ("SIGKILL", UnsafeFileError, r"memory is short. Free some and try again"),
        ("loop", UnsafeFileError, r"a\.h5ad takes more than 2 s of processor time to read"),
        ("sleep", UnsafeFileError, r"a\.h5ad was not read after 2 s"),
        ("swell", NotAnH5adError, r"a\.h5ad cannot be surveyed \(MemoryError\)"),
        (
            "raise",
            NotAnH5adError,
            r"surveyed \(ZeroDivisionError: a fault that nobody thought of\)",
        ),
        ("change", NotAnH5adError, r"changed while it was read"),
    ],
)
def test_however_a_rehearsal_ends_it_becomes_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, error: type[SourceError], said: str
) -> None:
    monkeypatch.setattr(survey, "_REHEARSAL", "c2s_assets_tests.storage.h5ad.misbehaving")
    monkeypatch.setattr(survey, "_MIN_SECONDS", 2)
    monkeypatch.setattr(apart, "_PATIENCE", 1 if does == "sleep" else 20)
    path = tmp_path / "a.h5ad"
    path.write_text(does)
    with pytest.raises(error, match=said):
        survey_h5ad(path)
    assert list(tmp_path.iterdir()) == [path]  # no core either


def test_what_lies_in_the_working_directory_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m` would look there first, and downloads are a place where people add files from."""
    (tmp_path / "h5py.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    assert survey_h5ad(write_counts(tmp_path / "a.h5ad")).n_obs == 3


def test_a_part_that_cannot_be_read_is_left_to_the_step_that_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    with h5py.File(path, "w") as file:
        obs = add_frame(file, "obs", ["a", "b", "c"])
        obs["not_utf8"] = np.array([b"\xff", b"a", b"b"])
        obs["too_long"] = np.arange(7)
        add_categorical(obs, "no_category", [0, 1, 9], [b"x", b"y"])
        add_frame(file, "var", [f"g{column}" for column in range(4)])
        add_sparse(file, "X", COUNTS)
        file["layers/wrong"] = np.zeros((9, 9))
        file["obsm/X_short"] = np.zeros((2, 2))
        file["uns/complex"] = np.zeros(3, dtype="c8")
    assert survey_h5ad(path).n_obs == 3
