"""Whether the genes of a dataset can be those of the organism that it names."""

import polars as pl

from c2s_assets.core.columns import FEATURE_ID, SYMBOL
from c2s_assets.core.genes.hgnc import ALIAS_SYMBOLS, PREVIOUS_SYMBOLS
from c2s_assets.core.genes.symbols import is_ensembl_id

HUMAN, MOUSE = "Homo sapiens", "Mus musculus"

# Panels have hundreds of genes, and a handful of transgenes says nothing.
_FEWEST_JUDGED = 20
# Symbols of HGNC in capitals: 99.4 %, as Actb: none. Of the names of mouse genes in three real files 89 to
# 94 % are as Actb, 0 to 0.9 % in capitals. Cells of both organisms in one matrix are about half and half.
_MOST_FOREIGN = 0.8
# Symbols that HGNC has, or had, letter by letter: 97 % of a human file of 2014, 0 to 0.5 % of those of mouse.
_LEAST_KNOWN = 0.2
# Only genes of mouse are called so, also where a file has them in capitals: 3 to 34 % of three real files.
_OF_MOUSE_ALONE = r"(?i)^\d{7}[A-Z]\d\dRik\d?$|^Gm\d{3,}$"
_LEAST_OF_MOUSE_ALONE = 0.002

_IS_OF = {HUMAN: r"^ENSG\d{11}", MOUSE: r"^ENSMUSG\d{11}"}
# Of two letters and more, as the other of the two organisms has them.
_FOREIGN_CASE = {HUMAN: r"^[A-Z][a-z]", MOUSE: r"^[^a-z]*[A-Z][^a-z]*[A-Z][^a-z]*$"}


def why_foreign(features: pl.DataFrame, *, organism: str | None, hgnc: pl.DataFrame | None) -> str | None:
    """Say why symbols cannot be those of an organism; None if they can, or if too little is known.

    Ensembl ids say of which organism a gene is; without them capitals do, which genes of mouse do not have.
    Other organisms are not judged: what was compared with man or mouse has their genes.

    Parameters
    ----------
    features
        `feature_id` and `symbol`.
    organism
        Scientific name, if all cells are of one.
    hgnc
        As `parse_hgnc` returns it, to know human symbols by; None if it was never fetched.
    """
    named = features.select(FEATURE_ID, SYMBOL).drop_nulls(SYMBOL).unique(SYMBOL, maintain_order=True)
    if organism not in _IS_OF or named.height < _FEWEST_JUDGED:
        return None
    symbols, ids = pl.col(SYMBOL), pl.col(FEATURE_ID)
    is_of = ids.str.contains(_IS_OF[organism])
    is_foreign = (
        pl.when(is_ensembl_id(ids)).then(~is_of).otherwise(symbols.str.contains(_FOREIGN_CASE[organism]))
    )
    frac_of_mouse = named[SYMBOL].str.contains(_OF_MOUSE_ALONE).sum() / named.height
    foreign = named.filter(is_foreign)[SYMBOL]
    is_mouse_in_capitals = organism == MOUSE and frac_of_mouse >= _LEAST_OF_MOUSE_ALONE
    if len(foreign) >= _MOST_FOREIGN * named.height and not is_mouse_in_capitals:
        return f"{_of(foreign, named)} are not called as genes of {organism} are, the first {_first(foreign)}"
    if organism == HUMAN and hgnc is not None:
        unknown = named.filter(~(is_of | symbols.is_in(_symbols_of(hgnc).implode())))[SYMBOL]
        if len(unknown) > (1 - _LEAST_KNOWN) * named.height:
            return f"{_of(unknown, named)} are none that HGNC has of {organism}, the first {_first(unknown)}"
    return None


def _symbols_of(hgnc: pl.DataFrame) -> pl.Series:
    former = [hgnc[column].explode() for column in (PREVIOUS_SYMBOLS, ALIAS_SYMBOLS)]
    return pl.concat([hgnc[SYMBOL], *(column.alias(SYMBOL) for column in former)]).drop_nulls().unique()


def _of(some: pl.Series, named: pl.DataFrame) -> str:
    return f"{len(some):,} of {named.height:,} symbols"


def _first(names: pl.Series) -> str:
    return ", ".join(map(repr, names.head(3)))
