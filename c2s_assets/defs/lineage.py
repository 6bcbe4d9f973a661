"""Which columns each column is made of; one of the source is called `obs/<name>` or `var/<name>`."""

from collections.abc import Iterable, Sequence

from c2s_assets.core import columns as c
from c2s_assets.core.cells import own_name
from c2s_assets.core.features import SYMBOL_SOURCE, VAR_NAME
from c2s_assets.core.features import own_name as own_feature_name
from c2s_assets.defs.metadata import Lineage

_INDEX = "index"


def of_cell_metadata(names: Sequence[str], *, age_sources: Iterable[str], donor: str | None) -> Lineage:
    """Origins of `cell_metadata`, for the obs columns `names`."""
    ages = [("raw_h5ad", f"obs/{name}") for name in age_sources if name in names]
    donors = [("raw_h5ad", f"obs/{donor}")] if donor in names else []
    return {
        **{own_name(name): [("raw_h5ad", f"obs/{name}")] for name in names},
        c.CELL_ID: [("raw_h5ad", f"obs/{_INDEX}")],
        c.DONOR_ID: donors,
        c.DONOR_UID: donors,
        **dict.fromkeys((c.AGE, c.AGE_LOW, c.AGE_HIGH, c.AGE_METHOD, c.LIFE_STAGE), ages),
    }


def of_feature_metadata(names: Sequence[str], *, symbol_sources: Iterable[str], uses_hgnc: bool) -> Lineage:
    """Origins of `feature_metadata`, for the var columns `names`."""
    symbols = [
        ("raw_h5ad", f"var/{_INDEX if name == VAR_NAME else name}")
        for name in symbol_sources
        if name != "hgnc"
    ]
    hgnc = [("gene_symbols", c.SYMBOL)] if uses_hgnc else []
    return {
        **{own_feature_name(name): [("raw_h5ad", f"var/{name}")] for name in names},
        c.FEATURE_ID: [("raw_h5ad", f"var/{_INDEX}")],
        VAR_NAME: [("raw_h5ad", f"var/{_INDEX}")],
        c.SYMBOL: [*symbols, *hgnc],
        SYMBOL_SOURCE: [*symbols, *hgnc],
    }


def of_cell_sentences(names: Sequence[str], *, layer: str) -> Lineage:
    """Origins of `cell_sentences`: the matrix and the symbols of its features."""
    made_of = [("raw_h5ad", layer), ("feature_metadata", c.SYMBOL), ("feature_metadata", c.FEATURE_ID)]
    return dict.fromkeys(names, made_of) | {c.CELL_ID: [("cell_metadata", c.CELL_ID)]}


def of_split_manifest(names: Sequence[str]) -> Lineage:
    """Origins of `split_manifest`: donors, ages and which cells are canonical."""
    decides = [("cell_metadata", name) for name in (c.DONOR_ID, c.AGE, c.IS_PRIMARY_DATA)]
    same = {name: [("cell_metadata", name)] for name in (c.DONOR_ID, c.DONOR_UID, c.CELL_ID)}
    return dict.fromkeys(names, decides) | same


def of_train_test(cell_columns: Sequence[str], sentence_columns: Sequence[str]) -> Lineage:
    """Origins of `train_test`: metadata, sentences and sides."""
    return {
        **{name: [("cell_metadata", name)] for name in cell_columns},
        **{name: [("cell_sentences", name)] for name in sentence_columns if name != c.CELL_ID},
        **{name: [("split_manifest", name)] for name in (c.SPLIT, c.SPLIT_LEVEL, c.FOLD)},
        "collection_id": [("dataset_profile", "origin")],
        "publication_title": [("dataset_profile", "origin")],
        "publication_doi": [("dataset_profile", "origin")],
    }
