"""What counts as a gene symbol, and what as an Ensembl id."""

import polars as pl

# ENSA is a gene: only a full stable id is an Ensembl id.
ENSEMBL_ID = r"^ENS[A-Z]*G\d{11}(\.\d+)?$"
# GENCODE writes ENSG00000182378.14_PAR_Y, and transcripts are ENST...: neither is a symbol.
_LIKE_ENSEMBL = r"^ENS[A-Z]*\d{11}"
_ENSEMBL_SUFFIX = r"_ENS[A-Z]*G\d{11}(\.\d+)?$"


def is_ensembl_id(names: pl.Expr) -> pl.Expr:
    """Whether each name is an Ensembl gene id, with or without a version."""
    return names.str.contains(ENSEMBL_ID)


def looks_like_ensembl(names: pl.Expr) -> pl.Expr:
    """Whether each name begins as an Ensembl id does, whatever follows: such a name is no symbol."""
    return names.str.contains(_LIKE_ENSEMBL)


def clean_symbol(names: pl.Expr) -> pl.Expr:
    """Reduce each name to a gene symbol, or to null if it is none.

    CELLxGENE tells features of one symbol apart as ``MATR3_ENSG00000280987``; the symbol is ``MATR3``.
    Ensembl ids, plain numbers, empty names and names with white space (which would fall apart in a
    sentence) are no symbols.
    """
    names = names.str.replace(_ENSEMBL_SUFFIX, "")
    is_symbol = ~looks_like_ensembl(names) & ~names.str.contains(r"^\d*$") & ~names.str.contains(r"\s")
    return pl.when(is_symbol).then(names)
