"""Which of the names that a file gives to a feature is its gene symbol."""

from collections.abc import Callable

import polars as pl

from c2s_assets.core.columns import FEATURE_ID, FEATURE_NAME, INDEX_OF_VAR, SYMBOL
from c2s_assets.core.genes.symbols import clean_symbol, is_locus_tag, is_retired, without_id, without_number
from c2s_assets.core.genes.var_columns import columns_called

VAR_NAME = "var_name"
SYMBOL_SOURCE = "symbol_source"

# Where files keep symbols, most specific first: CELLxGENE, scanpy, biomaRt, Monocle, Seurat.
_SYMBOL_COLUMNS = (
    FEATURE_NAME,
    "gene_symbol",
    "gene_symbols",
    "gene_name",
    "gene_names",
    SYMBOL,
    "symbols",
    "hgnc_symbol",
    "mgi_symbol",
    "external_gene_name",
    "gene_short_name",
    "real_gene_name",
    "gene",
    "genes",
    "feature",
    "features",
    "name",
    "names",
    "index",
    INDEX_OF_VAR,
)

# Where files keep Ensembl ids, most specific first.
ID_COLUMNS = (
    FEATURE_ID,
    "ensembl_id",
    "ensembl_ids",
    "ensembl_gene_id",
    "ensembl",
    "gene_ids",
    "gene_id",
    "accession",
    INDEX_OF_VAR,
)
# All that may tell one feature from another.
NAME_COLUMNS = tuple(dict.fromkeys((*ID_COLUMNS, *_SYMBOL_COLUMNS)))

# Share of the names of a column that are of several words, such as "tumor protein p53". Of 765, 999, 1,999
# and 21,123 names of genes in four real files none is.
_MOST_PHRASES = 0.1
# A word of six letters and more, such as "insulin", or V12 and X12, as R calls columns without a name. A
# column that has more of them than of others describes its genes, or counts them. Of the approved symbols of
# HGNC 0.9 % are such words, of its alias and previous symbols 2.6 %, of the names of mouse genes in three
# real files 0.4 to 1.1 %.
_PROSE = r"^(\p{L}{6,}(\W.*)?|[VX]\d+)$"
_MOST_PROSE = 0.5
_FEWEST_PROSE = 5
# A column with one value for five features says what they are, rather than what they are called. Where
# intron and exon are features of their own, there are 1.5 for one name.
_FEATURES_PER_NAME = 5
# Locus tags are ids where genes have symbols too, and the names of the genes where next to none has.
_FEW_NAMED = 0.05


def reads_as_prose(names: pl.Series) -> bool:
    """Whether names, each counted once, are words of a language rather than symbols of genes."""
    words = names.drop_nulls().unique()
    n_prose = int(words.str.contains(_PROSE).sum())
    return n_prose >= _FEWEST_PROSE and n_prose > _MOST_PROSE * len(words)


def names_in(var_names: pl.Series, var: pl.DataFrame, symbol_column: str | None) -> list[pl.Series]:
    """Collect what may name the features, best first: columns of var under their names, then the index.

    If the file's owner named a column, the others are not asked.
    """
    columns = columns_called(_SYMBOL_COLUMNS, var) if symbol_column is None else [symbol_column]
    return [*(var[name].cast(pl.String) for name in columns), var_names.alias(VAR_NAME)]


def find_symbols(names: list[pl.Series], *, is_gene: pl.Series, trusted: str | None) -> pl.DataFrame:
    """Take the symbol of each gene from the first of its names that is one, and say which it was.

    Parameters
    ----------
    names
        As `names_in` returns them.
    is_gene
        Features that are none have no symbol.
    trusted
        The name of what is asked even if it reads like descriptions.

    Returns
    -------
    `symbol` and `symbol_source`, ``(n_vars,)``; null where there is none.
    """
    asked = [series for series in names if series.name == trusted or _are_names(series.filter(is_gene))]
    symbols = [clean_symbols(series) for series in asked]
    may_be_named = is_gene.clone()
    for series in names:
        may_be_named &= ~_judge(series, is_retired).fill_null(value=False)
    without_tags = [symbol.set(_judge(symbol, is_locus_tag), None) for symbol in symbols]
    found = _first_of(without_tags, may_be_named)
    is_named_by_tags = found[SYMBOL].count() <= _FEW_NAMED * len(is_gene.arg_true())
    return _first_of(symbols, may_be_named) if is_named_by_tags else found


def clean_symbols(names: pl.Series) -> pl.Series:
    """Reduce each name to a gene symbol, or to null, also by the names that stand beside it."""
    return _judge(without_number(_judge(names, without_id)), clean_symbol)


def _first_of(symbols: list[pl.Series], may_be_named: pl.Series) -> pl.DataFrame:
    symbol = pl.Series(SYMBOL, [None] * len(may_be_named), pl.String)
    source = symbol.alias(SYMBOL_SOURCE)
    for series in symbols:
        is_first = may_be_named & symbol.is_null() & series.is_not_null()
        symbol = series.zip_with(is_first, symbol).alias(SYMBOL)
        source = source.set(is_first, series.name)
    return pl.DataFrame([symbol, source])


def _judge(names: pl.Series, rule: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    return names.to_frame().select(rule(pl.first())).to_series().alias(names.name)


def _are_names(names: pl.Series) -> bool:
    """Whether a column names its genes one by one, rather than describing or sorting them."""
    words = names.drop_nulls().str.strip_chars()
    n_words = max(len(words), 1)
    frac_phrases = words.str.contains(r"\s").sum() / n_words
    tells_apart = words.n_unique() * _FEATURES_PER_NAME > len(words)
    return frac_phrases <= _MOST_PHRASES and tells_apart and not reads_as_prose(words)
