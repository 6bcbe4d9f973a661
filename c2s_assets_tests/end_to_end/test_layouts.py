"""However a matrix is stored, the same cells give the same tables, byte for byte."""

from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.errors import InvalidMatrixError
from c2s_assets.core.genes.features import describe_features
from c2s_assets.core.sentences.composing import SentenceComposer, SentenceSpec, Vocabulary
from c2s_assets.core.settings import DatasetEntry
from c2s_assets.schemas.tables import CellSentences
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.sources.profile import profile_h5ad
from c2s_assets.storage.tables.parquet import write_blocks
from c2s_assets_tests.storage.h5ad.files import add_frame, add_parts

# Two features share a symbol, and one has none: it is named by its Ensembl id.
GENES = ["ACTB", "MYH7", "ENSG00000000002", "TTN", "ACTB", "DES"]
GENE_LISTS = {"muscle": ["MYH7", "TTN", "DES"]}
COMPRESSIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "gzip": {"compression": "gzip"},
    "gzip and shuffle": {"compression": "gzip", "shuffle": True},
    "lzf": {"compression": "lzf"},
    "zstd": dict(hdf5plugin.Zstd()),
    "lz4": dict(hdf5plugin.LZ4()),
    "blosc": dict(hdf5plugin.Blosc()),
}

Layout = dict[str, Any]


@st.composite
def _layouts(draw: st.DrawFn) -> Layout:
    return {
        "place": draw(st.sampled_from(["X", "raw.X", "layers/counts"])),
        "encoding": draw(st.sampled_from(["csr", "csc", "dense"])),
        "dtype": draw(st.sampled_from(["f4", "f8", "i4", "i8", "u2"])),
        "index_dtype": draw(st.sampled_from(["i4", "i8"])),
        "compression": COMPRESSIONS[draw(st.sampled_from(sorted(COMPRESSIONS)))],
        "chunk": draw(st.integers(1, 9)),
        "order": draw(st.permutations(range(len(GENES)))),
        "zeros": draw(hnp.arrays(np.bool_, (5, len(GENES)), fill=st.just(False))),
        "shuffle": draw(st.randoms(use_true_random=False)),
        "rows": draw(st.integers(1, 7)),
    }


PLAIN: Layout = {
    "place": "X",
    "encoding": "csr",
    "dtype": "f4",
    "index_dtype": "i4",
    "compression": {},
    "chunk": 100,
    "order": list(range(len(GENES))),
    "zeros": np.zeros((5, len(GENES)), np.bool_),
    "shuffle": None,
    "rows": 100,
}


@given(
    counts=hnp.arrays(np.int64, (5, len(GENES)), elements=st.integers(0, 3), fill=st.just(0)).filter(np.any),
    layout=_layouts(),
)
@settings(max_examples=80, derandomize=True, deadline=None)
def test_every_layout_gives_the_same_tables(
    tmp_path_factory: pytest.TempPathFactory, counts: np.ndarray, layout: Layout
) -> None:
    folder = tmp_path_factory.mktemp("layouts")
    expected, found = (
        _tables(folder / name, counts, how) for name, how in (("plain", PLAIN), ("drawn", layout))
    )
    assert found == expected


@pytest.mark.parametrize("place", ["X", "raw.X", "layers/counts"])
@pytest.mark.parametrize("encoding", ["csr", "csc"])
def test_a_feature_listed_twice_in_a_cell_is_refused_wherever_it_stands(
    tmp_path: Path, place: str, encoding: str
) -> None:
    counts = np.ones((5, len(GENES)), np.int64)
    path = _write(tmp_path / "a.h5ad", counts, PLAIN | {"place": place, "encoding": encoding})
    with h5py.File(path, "a") as file:
        file[_PATHS[place]]["indices"][1] = 0
    with open_h5ad(path) as h5ad, pytest.raises(InvalidMatrixError, match="twice"):
        list(h5ad.matrix(place).blocks(rows=2))


def _tables(folder: Path, counts: np.ndarray, layout: Layout) -> dict[str, bytes]:
    """Write the sentences and, in the order of the feature ids, the values; their bytes by file."""
    path = _write(folder / "a.h5ad", counts, layout)
    with open_h5ad(path) as h5ad:
        profile = profile_h5ad(
            h5ad, dataset_id="a", source_sha256="0" * 64, entry=DatasetEntry(), rows_per_block=layout["rows"]
        )
        assert profile.layer == layout["place"]
        var = h5ad.raw_var if profile.layer == "raw.X" else h5ad.var
        features = describe_features(var.index(), pl.DataFrame([var.read("gene_ids")]))
        vocabulary = Vocabulary(features)
        spec = SentenceSpec(layer="any", symbols=vocabulary.snapshot, gene_lists=GENE_LISTS)
        composer = SentenceComposer(vocabulary, spec)
        cell_ids = h5ad.obs.index().alias(CELL_ID)
        blocks = list(h5ad.matrix(profile.layer).blocks(rows=layout["rows"]))
    sentences = (composer.compose(block, cell_ids.slice(at, block.shape[0])) for at, block in blocks)
    write_blocks(folder / "sentences", sentences, model=CellSentences, footer={"spec": spec.spec_id})
    order = features["feature_id"].arg_sort().to_numpy()
    values = np.vstack([block.toarray() for _, block in blocks])[:, order]
    found = {file.name: file.read_bytes() for file in (folder / "sentences").iterdir()}
    return found | {"values": values.tobytes(), "verdict": profile.verdict.model_dump_json().encode()}


_PATHS = {"X": "X", "raw.X": "raw/X", "layers/counts": "layers/counts"}


def _write(path: Path, counts: np.ndarray, layout: Layout) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    order = list(layout["order"])
    place = _PATHS[layout["place"]]
    with h5py.File(path, "w") as file:
        add_frame(file, "obs", [f"cell_{row}" for row in range(len(counts))])
        file.create_group("raw")
        file.create_group("layers")
        for frame in ("var", "raw/var") if layout["place"] == "raw.X" else ("var",):
            group = add_frame(file, frame, [GENES[i] for i in order], column_order=("gene_ids",))
            ids = [f"ENSG{i:011d}" for i in order]
            group.create_dataset("gene_ids", data=np.array(ids, object), dtype=h5py.string_dtype())
            group["gene_ids"].attrs["encoding-type"] = "string-array"
        if layout["place"] != "raw.X":
            del file["raw"]
        _write_matrix(file, place, counts[:, order], layout)
        if place != "X":  # what stands in X is then something else
            file.create_dataset("X", data=counts[:, order].astype("f4") / 3)
    return path


def _write_matrix(file: h5py.File, place: str, counts: np.ndarray, layout: Layout) -> None:
    chunk, compression = layout["chunk"], layout["compression"]
    if layout["encoding"] == "dense":
        chunks = (min(chunk, counts.shape[0]), min(chunk, counts.shape[1]))
        file.create_dataset(place, data=counts.astype(layout["dtype"]), chunks=chunks, **compression)
        return
    is_stored = (counts != 0) | layout["zeros"]
    major, stored = (counts, is_stored) if layout["encoding"] == "csr" else (counts.T, is_stored.T)
    data, indices, bounds = [], [], [0]
    for values, kept in zip(major, stored, strict=True):
        listed = np.flatnonzero(kept).tolist()
        if layout["shuffle"] is not None:
            layout["shuffle"].shuffle(listed)
        indices += listed
        data += values[listed].tolist()
        bounds.append(len(indices))
    add_parts(
        file,
        place,
        encoding=layout["encoding"],
        shape=counts.shape,
        data=np.array(data, layout["dtype"]),
        indices=np.array(indices, layout["index_dtype"]),
        indptr=np.array(bounds, layout["index_dtype"]),
        chunks=(chunk,),
        **compression,
    )
