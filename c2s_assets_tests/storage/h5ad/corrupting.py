"""Small h5ads of every storage that can be built, and ways to corrupt them at random."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from c2s_assets_tests.storage.h5ad.checksums import find_checksummed, mend
from c2s_assets_tests.storage.h5ad.files import add_categorical, add_frame, add_masked, add_sparse

N_OBS, N_VARS = 40, 30
SYMBOLS = (
    *("ACTB", "GAPDH", "CD3D", "CD8A", "MS4A1", "CD79A", "NKG7", "GNLY", "LYZ", "CD14", "FCGR3A", "MYH7"),
    *("TTN", "DES", "ACTA1", "PAX7", "COL1A1", "COL1A2", "PECAM1", "VWF", "INS", "GCG", "ALB", "APOE"),
    *("SPP1", "EPCAM", "KRT8", "KRT18", "MKI67", "TOP2A"),
)

STORAGES: dict[str, dict[str, Any]] = {
    "csr gzip": {"compression": "gzip"},
    "csr gzip shuffle": {"compression": "gzip", "shuffle": True},
    "csr lzf": {"compression": "lzf"},
    "csr zstd": dict(hdf5plugin.Zstd()),
    "csr lz4": dict(hdf5plugin.LZ4()),
    "csr blosc": dict(hdf5plugin.Blosc()),
    "csr plain": {},
    "csr contiguous": {"chunks": None},
    "csc gzip": {"compression": "gzip"},
    "dense gzip": {"compression": "gzip"},
    "dense contiguous": {"chunks": None},
}


def write_originals(folder: Path) -> list[Path]:
    """Write files with something of everything that is read; nothing of them is wrong."""
    return [_write_original(folder, name, libver) for name in STORAGES for libver in ("earliest", "latest")]


def choose_kind(rng: np.random.Generator) -> str:
    """Draw one of CORRUPTIONS."""
    return list(CORRUPTIONS)[int(rng.integers(len(CORRUPTIONS)))]


def _write_original(folder: Path, name: str, libver: str) -> Path:
    path = folder / f"{name} {libver}.h5ad"
    encoding = name.split(maxsplit=1)[0]
    storage = {"chunks": (50, 20)[: 2 if encoding == "dense" else 1]} | STORAGES[name]
    if storage["chunks"] is None:
        storage = {}
    elif encoding == "dense":
        storage["chunks"] = (9, 20)
    dense = np.random.default_rng(0).poisson(0.7, (N_OBS, N_VARS)).astype(np.float32)
    with h5py.File(path, "w", libver=libver) as file:
        obs = add_frame(
            file,
            "obs",
            [f"c{i}" for i in range(N_OBS)],
            column_order=("type", "donor_id", "age", "n", "note"),
        )
        add_categorical(obs, "type", [i % 3 - 1 for i in range(N_OBS)], [b"B cell", b"T cell"])
        donors = [f"donor {i}" for i in range(5)]
        add_categorical(obs, "donor_id", [i % 5 for i in range(N_OBS)], donors)
        stages = [f"{20 + 7 * i}-year-old stage" for i in range(5)]
        add_categorical(obs, "development_stage", [i % 5 for i in range(N_OBS)], stages)
        add_masked(obs, "n", "nullable-integer", np.arange(N_OBS), [i % 5 == 0 for i in range(N_OBS)])
        obs["age"] = np.linspace(0, 90, N_OBS)
        obs["note"] = [f"note {i}" for i in range(N_OBS)]
        obs.create_dataset("code", data=np.array([f"code {i}" for i in range(N_OBS)], "S8"), fletcher32=True)
        obs.create_dataset("is_old", data=np.arange(N_OBS) % 2 == 0, compression="gzip", fletcher32=True)
        raw = file.create_group("raw")
        for parent in (file, raw):
            var = add_frame(parent, "var", list(SYMBOLS), column_order=("gene_ids",))
            var["gene_ids"] = [f"ENSG{i:011d}" for i in range(N_VARS)]
        for parent, matrix in ((file, "X"), (raw, "X"), (file.create_group("layers"), "counts")):
            if encoding == "dense":
                parent.create_dataset(matrix, data=dense, **storage)
            else:
                add_sparse(parent, matrix, dense, encoding=encoding, **storage)
        for embedding, n_axes in (("X_pca", 5), ("X_umap", 2), ("X_tsne", 2)):
            file[f"obsm/{embedding}"] = dense[:, :n_axes]
        file["uns/title"] = "a title"
        file["uns/colors"] = [b"red", b"blue"]
        file["uns/nested/x"] = np.arange(50)
        file.visititems(_complete)
        # Enough to be kept in fractal heaps.
        for position in range(20):
            file[f"uns/many/{position}"] = position
            file["uns"].attrs[f"note {position}"] = "noted"
            file["obs"].attrs[f"note {position}"] = position
    return path


def _complete(_: str, element: Any) -> None:
    """Add what anndata asks for and we do without."""
    encoding = element.attrs.get("encoding-type")
    if encoding is not None:
        element.attrs["encoding-version"] = "0.2.0" if encoding in {"dataframe", "categorical"} else "0.1.0"
    if encoding == "categorical":
        element.attrs["ordered"] = False


def _flip_bytes(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(int(rng.integers(1, 12))):
        content[int(rng.integers(len(content)))] = int(rng.integers(256))
    path.write_bytes(content)


def _flip_structure_bytes(path: Path, rng: np.random.Generator) -> None:
    """Change bytes around the signatures of HDF5's own structures, which random places rarely hit."""
    content = bytearray(path.read_bytes())
    signs = (
        b"TREE",
        b"SNOD",
        b"HEAP",
        b"OHDR",
        b"OCHK",
        b"FRHP",
        b"FHDB",
        b"BTHD",
        b"BTLF",
        b"FAHD",
        b"FADB",
        b"EAHD",
    )
    found = [at for sign in signs for at in _find_all(content, sign)]
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.choice(found)) + int(rng.integers(4, 120))
        if at < len(content):
            content[at] = int(rng.choice([0, 1, 255, int(rng.integers(256))]))
    path.write_bytes(content)


def _change_and_mend(path: Path, rng: np.random.Generator) -> None:
    """Change bytes of structures whose checksums then say that all is well; without any, as above."""
    content = bytearray(path.read_bytes())
    structures = find_checksummed(bytes(content))
    if len(structures) < 2:
        _flip_structure_bytes(path, rng)
        return
    for _ in range(int(rng.integers(1, 4))):
        at, n_bytes = structures[int(rng.integers(len(structures)))]
        start, n_changed = at + int(rng.integers(4, n_bytes)), int(rng.choice([1, 1, 1, 2, 8]))
        stop = min(start + n_changed, at + n_bytes)
        content[start:stop] = bytes([int(rng.choice([0, 1, 127, 255, int(rng.integers(256))]))]) * (
            stop - start
        )
    mend(content, structures)
    path.write_bytes(content)


def _cut_chunk(path: Path, rng: np.random.Generator) -> None:
    """Store fewer or more bytes of a chunk, or other filters to be undone than were applied."""
    with h5py.File(path, "a") as file:
        names: list[str] = []
        file.visititems(
            lambda name, element: names.append(name) if getattr(element, "chunks", None) else None
        )
        dataset = file[names[int(rng.integers(len(names)))]].id
        chunk = dataset.get_chunk_info(int(rng.integers(dataset.get_num_chunks())))
        mask, packed = dataset.read_direct_chunk(chunk.chunk_offset)
        if rng.random() < 0.7:
            packed = (packed + bytes(8))[: int(rng.integers(len(packed) + 8))] or b"x"
        if rng.random() < 0.5:
            mask = int(rng.integers(8))
        dataset.write_direct_chunk(chunk.chunk_offset, packed, filter_mask=mask)


def _copy_words(path: Path, rng: np.random.Generator) -> None:
    """Copy eight bytes to another place: addresses that are valid, but of something else, and cycles."""
    content = bytearray(path.read_bytes())
    addresses = [at for at in range(0, len(content) - 8, 8) if 0 < _word(content, at) < len(content)]
    for _ in range(int(rng.integers(1, 4))):
        source, target = (int(at) for at in rng.choice(addresses, 2))
        content[target : target + 8] = content[source : source + 8]
    path.write_bytes(content)


def _fill_range(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    at, n = int(rng.integers(len(content))), int(rng.integers(1, 600))
    content[at : at + n] = bytes([int(rng.choice([0, 255]))]) * len(content[at : at + n])
    path.write_bytes(content)


def _truncate(path: Path, rng: np.random.Generator) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(rng.integers(len(content)))])


def _change_attribute(path: Path, rng: np.random.Generator) -> None:
    values = [
        0,
        -1,
        2**63 - 1,
        1e300,
        np.nan,
        "",
        "csr_matrix",
        "csc_matrix",
        "dataframe",
        "categorical",
        "x" * 60_000,
        [1, 2],
        [10**12, 30],
        [40, 10**12],
        np.zeros((3, 3)),
        [b"a", b"\xff"],
        h5py.Empty("f4"),
    ]
    with h5py.File(path, "a") as file:
        element = _any_element(file, rng)
        names = [*element.attrs, "encoding-type", "shape", "_index", "column-order", "categories"]
        name = names[int(rng.integers(len(names)))]
        if rng.random() < 0.2 and name in element.attrs:
            del element.attrs[name]
        else:
            element.attrs[name] = values[int(rng.integers(len(values)))]


def _replace_dataset(path: Path, rng: np.random.Generator) -> None:
    """Replace a dataset by one of another shape, type or content."""
    with h5py.File(path, "a") as file:
        name = _any_name(file, rng, of=h5py.Dataset)
        old = file[name]
        attributes, shape, dtype = dict(old.attrs), old.shape, old.dtype
        del file[name]
        shapes = [
            shape,
            (),
            (0,),
            (1,),
            (10**12,),
            (2**31,),
            (N_OBS, 10**9),
            (N_OBS,),
            (41,),
            (N_OBS, N_VARS, 2),
        ]
        dtypes = [dtype, "f4", "f8", "i1", "i4", "u8", "S3", h5py.string_dtype(), "c8", "?", ">i4", "f2"]
        shape = shapes[int(rng.integers(len(shapes)))]
        dtype = dtypes[int(rng.integers(len(dtypes)))]
        options = {} if shape == () or 0 in shape else {"chunks": True, "fillvalue": None}
        if np.prod(shape, dtype=float) > 10**6:
            options["compression"] = ["gzip", None][int(rng.integers(2))]
        new = file.create_dataset(name, shape, dtype, **options)
        if shape and 0 < np.prod(shape, dtype=float) < 10**4 and np.dtype(dtype).kind in "iuf":
            extremes = [-1, 0, 1, 127, 2**31, 2**63, -(2**63), 1e300, np.inf, np.nan]
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                new[...] = rng.choice(extremes, shape).astype(dtype)
        new.attrs.update(attributes)


def _change_values(path: Path, rng: np.random.Generator) -> None:
    """Change some numbers of a dataset: indices out of range, bounds that fall, codes without category."""
    extremes = [-1, 0, 1, 29, 30, 40, 127, 1e5, 2**31, 2**62, 1e300, -(2**62), np.inf, np.nan]
    with h5py.File(path, "a") as file:
        dataset = file[_any_name(file, rng, of=h5py.Dataset)]
        values = dataset[()]
        if getattr(values, "size", 0) and values.ndim and values.dtype.kind in "iuf":
            flat = values.reshape(-1)
            for _ in range(int(rng.integers(1, 4))):
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    flat[int(rng.integers(flat.size))] = np.array(rng.choice(extremes)).astype(values.dtype)
            dataset[...] = values


def _remove(path: Path, rng: np.random.Generator) -> None:
    with h5py.File(path, "a") as file:
        del file[_any_name(file, rng)]


def _link_inside(path: Path, rng: np.random.Generator) -> None:
    """Put a soft or hard link in place of an element: cycles, elements of another kind, nothing."""
    with h5py.File(path, "a") as file:
        name, target = _any_name(file, rng), _any_name(file, rng)
        element = file[target]
        del file[name]
        parent = name.rpartition("/")[0]
        if parent and parent not in file:
            return
        file[name] = h5py.SoftLink(f"/{target}") if rng.random() < 0.5 else element


def _link_outside(path: Path, rng: np.random.Generator) -> None:
    other = path.parent / "csr gzip earliest.h5ad"
    with h5py.File(path, "a") as file:
        name = _any_name(file, rng)
        del file[name]
        file[name] = h5py.ExternalLink(str(other), name)


def _store_outside(path: Path, rng: np.random.Generator) -> None:
    with h5py.File(path, "a") as file:
        name = _any_name(file, rng, of=h5py.Dataset)
        del file[name]
        if rng.random() < 0.5:
            file.create_dataset(name, (8,), "u1", external=[("/etc/passwd", 0, 8)])
            return
        layout = h5py.VirtualLayout((8,), "f4")
        layout[:] = h5py.VirtualSource(str(path.parent / "csr gzip earliest.h5ad"), "X/data", (8,))
        file.create_virtual_dataset(name, layout)


CORRUPTIONS: dict[str, Callable[[Path, np.random.Generator], None]] = {
    "bytes": _flip_bytes,
    "bytes of structures": _flip_structure_bytes,
    "structures, sums mended": _change_and_mend,
    "structures, sums mended again": _change_and_mend,
    "chunk": _cut_chunk,
    "copied words": _copy_words,
    "filled range": _fill_range,
    "truncated": _truncate,
    "attribute": _change_attribute,
    "dataset": _replace_dataset,
    "values": _change_values,
    "removed": _remove,
    "link inside": _link_inside,
    "link outside": _link_outside,
    "storage outside": _store_outside,
}
LEAD_OUTSIDE = frozenset({"link outside", "storage outside"})


def _any_name(file: h5py.File, rng: np.random.Generator, *, of: type | None = None) -> str:
    names: list[str] = []

    def collect(name: str, element: Any) -> None:
        # One of these stands for all.
        is_like_others = name.startswith("uns/many/") and name != "uns/many/0"
        if not is_like_others and (of is None or isinstance(element, of)):
            names.append(name)

    file.visititems(collect)
    return names[int(rng.integers(len(names)))]


def _any_element(file: h5py.File, rng: np.random.Generator) -> Any:
    return file[_any_name(file, rng)]


def _find_all(content: bytes | bytearray, sign: bytes) -> list[int]:
    return [match.start() for match in re.finditer(re.escape(sign), content)]


def _word(content: bytes | bytearray, at: int) -> int:
    return int.from_bytes(content[at : at + 8], "little")
