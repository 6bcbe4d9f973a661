import json

import pytest
from pydantic import ValidationError

from c2s_assets.schemas.documents import (
    ColumnProfile,
    DatasetProfile,
    InboxNote,
    MatrixProfile,
    OriginProfile,
    Provenance,
    VerdictProfile,
)

SHA256 = "0" * 64
PROFILE = DatasetProfile(
    dataset_id="atlas",
    source_sha256=SHA256,
    n_obs=2,
    n_vars=3,
    organism=None,
    origin=OriginProfile(
        title="Atlas", citation=None, licence=None, collection_id=None, publication_doi=None
    ),
    layer="X",
    verdict=VerdictProfile(
        kind="counts", n_cells_sampled=2, n_values_sampled=4, min_value=1.0, max_value=2.0, frac_whole=1.0
    ),
    predicted_memory_bytes=1,
    matrices=[
        MatrixProfile(name="X", shape=(2, 3), encoding="csr", dtype="float32", n_stored=4, size_bytes=1)
    ],
    obs_columns=[ColumnProfile(name="donor_id", n_missing=0, n_distinct=1, value_counts={"a": 2})],
    var_columns=[ColumnProfile(name="odd", not_read="has 2 dimensions")],
    embeddings={"X_umap": [2, 2]},
    uns_keys=["title"],
    structure=[{"path": "/X", "kind": "group"}],
)


def test_a_profile_survives_the_way_through_json():
    assert DatasetProfile.model_validate_json(PROFILE.model_dump_json()) == PROFILE


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"source_sha256": "abc"}, "source_sha256"),
        ({"n_obs": 0}, "n_obs"),
        ({"note": "x"}, "note"),
        ({"layer": None}, "layer"),
        ({"matrices": [{}]}, "matrices.0.name"),
        ({"verdict": {"kind": "raw"}}, "verdict.kind"),
    ],
    ids=["digest", "no cells", "unknown key", "no layer", "empty matrix", "unknown kind"],
)
def test_a_profile_that_is_not_ours_is_refused(change, place):
    content = json.loads(PROFILE.model_dump_json()) | change
    with pytest.raises(ValidationError) as caught:
        DatasetProfile.model_validate(content)
    assert place in {".".join(map(str, error["loc"])) for error in caught.value.errors()}


def test_a_note_may_know_nothing():
    assert InboxNote() == InboxNote(url=None, etag=None, dataset_version_id=None, retrieved_at=None)


def test_provenance_adds_the_file_to_the_note():
    note = InboxNote(url="https://example.org/a.h5ad", retrieved_at="2025-01-01T00:00:00+00:00")
    provenance = Provenance(
        **note.model_dump(exclude={"survey"}), size_bytes=1, sha256=SHA256, n_obs=1, n_vars=1
    )
    assert Provenance.model_validate_json(provenance.model_dump_json()) == provenance
    assert provenance.url == note.url


@pytest.mark.parametrize("change", [{"size_bytes": 0}, {"sha256": "A" * 64}, {"n_obs": 0}], ids=str)
def test_provenance_of_nothing_is_refused(change):
    with pytest.raises(ValidationError):
        Provenance(**({"size_bytes": 1, "sha256": SHA256, "n_obs": 1, "n_vars": 1} | change))
