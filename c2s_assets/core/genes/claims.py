"""Claims about features: their ids and gene symbols."""

import polars as pl

from c2s_assets.core.cells.organisms import only_organism
from c2s_assets.core.columns import CELL_ID, FEATURE_ID, FEATURE_KIND, ORGANISM, SYMBOL
from c2s_assets.core.findings import Finding
from c2s_assets.core.genes.features import IS_DUPLICATED_SYMBOL
from c2s_assets.core.genes.foreign import why_foreign
from c2s_assets.core.genes.kinds import GENE
from c2s_assets.core.genes.naming import VAR_NAME, reads_as_prose
from c2s_assets.core.genes.symbols import ENSEMBL_ID

_LEAST_WITH_SYMBOL = 0.5
# Genes that most files have, of man or, in other case, of mouse and fish. Two cells that are called so are
# rows of genes.
_FAMOUS = (
    "ACTB",
    "GAPDH",
    "MALAT1",
    "B2M",
    "EEF1A1",
    "TMSB4X",
    "RPL3",
    "RPS6",
    "RPLP0",
    "FTH1",
    "FTL",
    "VIM",
    "PTPRC",
    "CD3D",
    "CD3E",
    "CD4",
    "CD8A",
    "CD19",
    "MS4A1",
    "LYZ",
    "NKG7",
    "MKI67",
    "EPCAM",
    "GFAP",
    "SNAP25",
)
_FEWEST_GENES = 2
NAME_THE_SYMBOLS = (
    "Name the var column of the symbols as symbol_column in the dataset's entry of datasets.yaml, or fetch "
    "the symbols of HGNC, in which human Ensembl ids are looked up, with: c2s symbols --refresh"
)


def feature_ids_are_unique(ids: pl.Series) -> Finding:
    """Claim that the source's own ids, before they were made unique, tell features apart."""
    counts = ids.to_frame().group_by(pl.all(), maintain_order=True).agg(pl.len().alias("n_features"))
    repeats = counts.filter(pl.col("n_features") > 1)
    n_made_unique = len(ids) - counts.height
    message = f"All {len(ids):,} feature ids are the source's own."
    if n_made_unique:
        message = (
            f"{n_made_unique:,} of {len(ids):,} features have the id of another, the first is "
            f"{repeats[ids.name][0]!r}; they got -1, -2, ... behind it. To choose other names, make the "
            f"index of var unique and add the file again."
        )
    return Finding(
        "feature_ids_are_unique", n_made_unique == 0, message, {"n_made_unique": n_made_unique}, repeats
    )


def symbols_are_known(features: pl.DataFrame) -> Finding:
    """Claim that at least half of the genes have a symbol, and say what the other features are."""
    genes = features.filter(pl.col(FEATURE_KIND) == GENE)
    n_known = genes[SYMBOL].count()
    share = n_known / max(genes.height, 1)
    message = f"{n_known:,} of {genes.height:,} genes have a symbol."
    message += _name_others(features)
    if share < _LEAST_WITH_SYMBOL:
        message += f" What has none is in no sentence. {_way_out(features)}"
    figures = {
        "frac_with_symbol": share,
        "n_symbols": genes[SYMBOL].drop_nulls().n_unique(),
        "n_features_sharing_a_symbol": int(features[IS_DUPLICATED_SYMBOL].sum()),
        "n_not_genes": features.height - genes.height,
    }
    without = genes.filter(pl.col(SYMBOL).is_null()).select(FEATURE_ID, VAR_NAME)
    return Finding("symbols_are_known", share >= _LEAST_WITH_SYMBOL, message, figures, without)


def features_have_symbols(features: pl.DataFrame, *, listing: str) -> Finding:
    """Claim that at least one feature has a gene symbol; `listing` shows the columns of var."""
    n_known = features[SYMBOL].count()
    message = f"{n_known:,} features have a gene symbol."
    if n_known == 0:
        message = (
            f"No feature has a gene symbol, so every sentence would be empty.{_name_others(features)} "
            f"var has: {listing}. {_way_out(features)}"
        )
    return Finding("features_have_symbols", n_known > 0, message)


def words_look_like_genes(
    features: pl.DataFrame,
    cells: pl.DataFrame,
    *,
    listing: str,
    hgnc: pl.DataFrame | None,
    is_named: bool,
) -> Finding:
    """Claim that the symbols look like those of genes, of the cells' organism, and that the cells do not.

    Parameters
    ----------
    features
        `feature_id`, `symbol` and `var_name` of each feature.
    cells
        `cell_id` and `organism` of each cell.
    listing
        Shows the columns of var.
    hgnc
        See `why_foreign`.
    is_named
        Whether the file's owner said where the symbols are: those may be of whatever organism.
    """
    cell_ids, organism = cells[CELL_ID], only_organism(cells[ORGANISM])
    symbols = features[SYMBOL].drop_nulls().unique(maintain_order=True)
    genes = cell_ids.filter(_are_genes(cell_ids))
    # Of cells that were perturbed and pooled, those of one gene may be called like it.
    n_named = _are_genes(features[VAR_NAME]).sum() + len(symbols.filter(_are_genes(symbols)))
    problem = None
    if len(genes) >= _FEWEST_GENES > n_named:
        problem = (
            f"{len(genes):,} of {len(cell_ids):,} cells are called like genes, the first "
            f"{_first(genes)}; features are called {_first(features[VAR_NAME])}. The matrix is transposed: "
            f"write the file again with cells as rows, adata.T in anndata."
        )
    elif reads_as_prose(symbols):
        problem = (
            f"Most of {len(symbols):,} symbols are words rather than names of genes, the first "
            f"{_first(symbols)}. var has: {listing}. {NAME_THE_SYMBOLS}"
        )
    elif not is_named and (why := why_foreign(features, organism=organism, hgnc=hgnc)):
        problem = (
            f"{why}; that is the organism of all cells. var has: {listing}. Correct the organism if it is "
            f"another one; if these are the symbols to take, name their var column as symbol_column in the "
            f"dataset's entry of datasets.yaml."
        )
    message = problem or f"{len(symbols):,} symbols look like those of genes."
    return Finding("words_look_like_genes", problem is None, message, {"n_symbols": len(symbols)})


def _way_out(features: pl.DataFrame) -> str:
    """Say where symbols are to be had, if there is any gene that could have one."""
    if (features[FEATURE_KIND] == GENE).any():
        return NAME_THE_SYMBOLS
    return "As none is a gene, there is nothing to make sentences of; what does not rest on them is built."


def _name_others(features: pl.DataFrame) -> str:
    """Say how many features are no genes, and what they are."""
    others = features.filter(pl.col(FEATURE_KIND) != GENE)[FEATURE_KIND].value_counts(sort=True)
    listing = ", ".join(f"{n:,} {kind}" for kind, n in others.iter_rows())
    return f" Of {features.height:,} features these are no genes: {listing}." if listing else ""


def _are_genes(names: pl.Series) -> pl.Series:
    """Whether names of cells are surely those of genes."""
    return names.str.contains(ENSEMBL_ID) | names.str.to_uppercase().is_in(_FAMOUS)


def _first(names: pl.Series) -> str:
    return ", ".join(map(repr, names.head(3)))
