import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2s_assets.core.projections.names import axis_names, find_method, table_names


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["X_scVI", "X_umap"], ["X_scVI", "X_umap"]),
        (["spatial", "x_pca"], ["X_spatial", "X_pca"]),
        (["X_a b", "X_../../etc", "X_"], ["X_a_b", "X_.._.._etc", "X__"]),
        (["umap", "X_umap", "X_UMAP"], ["X_umap-2", "X_umap-1", "X_UMAP"]),
        (["X_é", "X_ü"], ["X__", "X__-1"]),
        (["X_" + "a" * 300], ["X_" + "a" * 100]),
    ],
    ids=["kept", "prefix", "unsafe", "equal but for case", "equal once safe", "long"],
)
def test_tables_are_named_after_their_arrays(names, expected):
    assert table_names(names) == dict(zip(names, expected, strict=True))


@settings(derandomize=True, max_examples=200)
@given(st.lists(st.text(max_size=12), unique=True, max_size=8))
def test_names_are_safe_and_differ_on_every_disk(names):
    tables = list(table_names(names).values())
    assert len({table.casefold() for table in tables}) == len(names)
    assert all("/" not in table and "\0" not in table and table.startswith("X_") for table in tables)


@pytest.mark.parametrize(
    ("table", "shape", "expected"),
    [
        ("X_umap", (2,), ["UMAP1", "UMAP2"]),
        ("X_scVI", (1,), ["SCVI1"]),
        ("X_images", (2, 2), ["IMAGES1_1", "IMAGES1_2", "IMAGES2_1", "IMAGES2_2"]),
        ("X_none", (0,), []),
    ],
)
def test_axes_are_numbered_from_one(table, shape, expected):
    assert axis_names(table, shape) == expected


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("X_pca", "PCA"),
        ("X_PCA", "PCA"),
        ("pca", "PCA"),
        ("X_umap", "UMAP"),
        ("X_t-SNE", "t-SNE"),
        ("tSNE", "t-SNE"),
        ("X_pca_harmony", None),
        ("X_scVI", None),
        ("spatial", None),
    ],
)
def test_the_method_is_told_by_the_name(name, method):
    assert find_method(name) == method
