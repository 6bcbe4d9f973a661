import h5py
import numpy as np
import pytest

from c2s_assets.core.errors import InvalidMatrixError, MissingColumnError
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.lake.documents import read_document, write_document
from c2s_assets.storage.sources.profile import profile_h5ad
from c2s_assets_tests.toy import write_toy_h5ad


@pytest.fixture
def profile(tmp_path):
    def make(*, entry=None, **options):
        with open_h5ad(write_toy_h5ad(tmp_path / "toy.h5ad", **options)) as h5ad:
            return profile_h5ad(
                h5ad,
                dataset_id="toy",
                source_sha256="0" * 64,
                entry=entry or DatasetEntry(),
                rows_per_block=100,
            )

    return make


@pytest.mark.parametrize(
    ("matrices", "layer", "kind"),
    [
        ("raw.X", "raw.X", "counts"),
        ("layers/counts", "layers/counts", "counts"),
        ("counts in X", "X", "counts"),
        ("normalised X", "X", "normalised"),
        ("scaled X", "X", "scaled"),
    ],
)
@pytest.mark.parametrize("encoding", ["csr", "csc", "dense"])
def test_the_matrix_is_chosen_and_judged_by_its_values(profile, matrices, layer, kind, encoding):
    found = profile(matrices=matrices, encoding=encoding)
    assert (found.layer, found.verdict.kind) == (layer, kind)
    assert {matrix.name: matrix.encoding for matrix in found.matrices}[layer] == encoding


def test_the_verdict_shows_its_evidence(profile):
    verdict = profile(matrices="counts in X", n_obs=30).verdict
    assert verdict.n_cells_sampled == 30
    assert (verdict.min_value, verdict.frac_whole) == (1, 1)
    assert verdict.n_values_sampled >= 30


def test_all_matrices_are_listed_and_the_named_one_is_chosen(profile):
    found = profile(entry=DatasetEntry(layer="X"), matrices="raw.X", dtype="int64", encoding="csc")
    assert found.layer == "X"
    assert {m.name: (m.encoding, m.dtype, m.shape) for m in found.matrices} == {
        "X": ("csr", "float32", (60, 40)),
        "raw.X": ("csc", "int64", (60, 40)),
    }


def test_a_named_matrix_that_is_not_there_is_an_error(profile):
    with pytest.raises(MissingColumnError, match="no matrix 'counts'"):
        profile(entry=DatasetEntry(layer="counts"), matrices="raw.X")


def test_columns_are_counted(profile):
    found = profile(n_obs=6, n_donors=2, obs={"note": ["x", "y", None, "x", None, None]})
    columns = {column.name: column for column in found.obs_columns}
    assert columns["donor_id"].value_counts == {"donor_0": 3, "donor_1": 3}
    note = columns["note"]
    assert (note.n_missing, note.n_distinct, note.value_counts) == (3, 2, {"x": 2, "y": 1})
    assert [column.name for column in found.var_columns] == [
        *("feature_name", "feature_biotype", "feature_reference")
    ]
    assert {column.not_read for column in found.obs_columns} == {None}


def test_what_the_file_says_of_itself_is_kept_and_what_the_settings_state_comes_before_it(profile):
    entry = DatasetEntry(title="Muscle")
    found = profile(entry=entry)
    assert found.organism == "Homo sapiens"
    assert found.origin.title == "Toy dataset"
    assert found.origin_by(entry).title == "Muscle"
    for origin in (found.origin, found.origin_by(entry)):
        assert origin.publication_doi == "10.1000/toy.1"
        assert origin.collection_id == "00000000-0000-4000-8000-000000000000"


def test_the_settings_name_the_organism_of_a_file_that_does_not(profile):
    silent = {"organism": None, "organism_ontology_term_id": None}
    assert profile(uns=silent).organism is None
    assert profile(uns=silent, entry=DatasetEntry(organism="Danio rerio")).organism == "Danio rerio"


def test_structure_embeddings_and_uns_are_listed(profile):
    found = profile(n_obs=10)
    assert found.embeddings == {"X_umap": [10, 2]}
    assert "title" in found.uns_keys
    assert {element["path"] for element in found.structure} >= {"/raw/X/data", "/obs/donor_id/codes"}


def test_a_profile_is_a_document(profile, tmp_path):
    found = profile()
    write_document(tmp_path / "profile.json", found)
    assert read_document(tmp_path / "profile.json", DatasetProfile) == found
    assert found.predicted_memory_bytes > 0


def _add_layers(path, **layers):
    import anndata as ad

    adata = ad.read_h5ad(path)
    for name, values in layers.items():
        adata.layers[name] = values(adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X)
    adata.write_h5ad(path)
    return path


def _whole(values):
    return np.round(np.abs(values) * 10).astype(np.float32)


def _profile(path, **entry):
    with open_h5ad(path) as h5ad:
        return profile_h5ad(
            h5ad, dataset_id="toy", source_sha256="0" * 64, entry=DatasetEntry(**entry), rows_per_block=100
        )


def test_a_layer_of_counts_is_taken_before_a_scaled_matrix_and_the_evidence_is_kept(tmp_path):
    path = _add_layers(write_toy_h5ad(tmp_path / "a.h5ad", matrices="scaled X"), Counts=_whole, d=np.negative)
    found = _profile(path)
    assert (found.layer, found.verdict.kind) == ("layers/Counts", "counts")
    assert found.layer_reason.startswith(
        "layers/Counts is the first that holds counts: X holds scaled values"
    )
    kinds = {matrix.name: matrix.verdict and matrix.verdict.kind for matrix in found.matrices}
    assert kinds == {"X": "scaled", "layers/Counts": "counts", "layers/d": None}


def test_the_named_matrix_wins_and_the_others_are_judged_only_if_it_cannot_be_ranked(tmp_path):
    path = _add_layers(write_toy_h5ad(tmp_path / "a.h5ad", matrices="scaled X"), Counts=_whole, d=np.abs)
    for layer, kinds in [
        ("X", {"X": "scaled", "layers/Counts": "counts", "layers/d": None}),
        ("d", {"X": None, "layers/Counts": None, "layers/d": "normalised"}),
    ]:
        found = _profile(path, layer=layer)
        assert found.layer == {"X": "X", "d": "layers/d"}[layer]
        assert {matrix.name: matrix.verdict and matrix.verdict.kind for matrix in found.matrices} == kinds


def test_a_matrix_that_is_broken_is_named_where_another_holds_counts(tmp_path):
    path = _add_layers(
        write_toy_h5ad(tmp_path / "a.h5ad", matrices="normalised X", encoding="dense", compression=None),
        counts=_whole,
        also=_whole,
    )
    with h5py.File(path, "a") as file:
        file["layers/counts"][3, 3] = np.nan
    with open_h5ad(path) as h5ad, pytest.raises(InvalidMatrixError, match="nan"):
        h5ad.matrix("layers/counts").rows(0, 60)
    found = _profile(path)
    assert found.layer == "layers/also"
    broken = next(matrix for matrix in found.matrices if matrix.name == "layers/counts")
    assert "value nan at feature 3" in (broken.not_read or "")


def test_a_matrix_that_nobody_reads_may_be_broken_and_is_named(tmp_path):
    path = write_toy_h5ad(tmp_path / "a.h5ad")
    with h5py.File(path, "a") as file:
        file["X"].attrs["shape"] = [60, 39]
        del file["raw/var"]
        file.move("raw/X", "layers/counts")
        file["raw/X"] = np.zeros((60, 40), np.float32)
    found = _profile(path)
    problems = {matrix.name: matrix.not_read for matrix in found.matrices}
    assert (found.layer, found.verdict.kind) == ("layers/counts", "counts")
    assert problems["layers/counts"] is None
    assert problems["X"].startswith("X has shape (60, 39), but there are 60 cells in obs and 40 features")
    assert problems["raw.X"].startswith("raw has X but no var")
    assert found.raw_var_columns == []
