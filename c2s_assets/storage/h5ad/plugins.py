"""Names the filters of HDF5 chunks, and loads those that HDF5 itself lacks once a file needs one."""

import h5py

from c2s_assets.core.errors import UnsupportedEncodingError

_BUILT_IN = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_SZIP: "szip",
    h5py.h5z.FILTER_NBIT: "nbit",
    h5py.h5z.FILTER_SCALEOFFSET: "scaleoffset",
    32000: "lzf",
}
_OF_PLUGIN = {
    307: "bzip2",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32015: "zstd",
    32026: "blosc2",
}
# Known by name only, so that a message can say it. hdf5plugin has some of them too: they are for images and
# lose digits, so that nobody should store counts with them, and their code would run on whatever a file says.
_NOT_READ = {
    305: "lzo",
    32013: "zfp",
    32017: "sz",
    32018: "fcidecomp",
    32019: "jpeg",
    32024: "sz3",
    32028: "sperr",
}
# They divide by the size of a value, which is the third of their parameters; of blosc2, a shape may follow.
_DIVIDING = frozenset({32001, 32008, 32026})
_SIZE_AT = 2
_SHAPE_AT = 7
_WAY_OUT = (
    "gzip, lzf and " + ", ".join(sorted(_OF_PLUGIN.values())) + " are read: write the file again where it "
    "can be read (anndata: adata.write_h5ad(path, compression='gzip'))."
)
_NAMES = _BUILT_IN | _OF_PLUGIN | _NOT_READ


def filter_name(code: int) -> str:
    """Name a filter by its registered number."""
    return _NAMES.get(code, f"HDF5 filter {code}")


def require_filters(dataset: h5py.Dataset, *, place: str) -> None:
    """Make sure that HDF5 can undo the filters of a dataset, loading those that it lacks.

    Raises
    ------
    UnsupportedEncodingError
        If one is not among those that we read, or its parameters are none that it writes.
    """
    properties = dataset.id.get_create_plist()
    for position in range(properties.get_nfilters()):
        code, _, values, _ = properties.get_filter(position)
        if code in _OF_PLUGIN and not h5py.h5z.filter_avail(code):
            # Takes 40 ms, and few files need it: of the ones compressed so, numbers are read past HDF5.
            import hdf5plugin  # noqa: F401, PLC0415
        if code not in _BUILT_IN | _OF_PLUGIN or not h5py.h5z.filter_avail(code):
            raise UnsupportedEncodingError(
                f"{place} is compressed with {filter_name(code)}, which we do not read. {_WAY_OUT}"
            )
        if code in _DIVIDING and not _fits(dataset, values):
            raise UnsupportedEncodingError(
                f"{place} is compressed with {filter_name(code)}, whose parameters {values} do not fit its "
                f"values. {_WAY_OUT}"
            )


def _fits(dataset: h5py.Dataset, values: tuple[int, ...]) -> bool:
    """Whether the parameters are those of values of this size and, of blosc2, of chunks of this shape."""
    is_text_of_any_length = h5py.check_string_dtype(dataset.dtype) is not None and dataset.dtype.kind == "O"
    sizes = {1, dataset.id.get_type().get_size()}
    shape = values[_SHAPE_AT:]
    return (
        not is_text_of_any_length
        and len(values) > _SIZE_AT
        and values[_SIZE_AT] in sizes
        and (not shape or shape == (len(dataset.chunks), *dataset.chunks))
    )
