"""What counts as a gene symbol, and what as an Ensembl id."""

import polars as pl

# ENSA is a gene: only a full stable id is an Ensembl id.
ENSEMBL_ID = r"^ENS[A-Z]*G\d{11}(\.\d+)?$"
# GENCODE writes ENSG00000182378.14_PAR_Y, and transcripts are ENST...: neither is a symbol.
_LIKE_ENSEMBL = r"^ENS[A-Z]*\d{11}"
_ENSEMBL_SUFFIX = r"_ENS[A-Z]*G\d{11}(\.\d+)?$"
# What pandas and R write for a missing value. In lower case "na" and "none" may be genes of the fly.
_MISSING = ("nan", "NaN", "NA", "<NA>", "N/A", "None")


def is_ensembl_id(names: pl.Expr) -> pl.Expr:
    """Whether each name is an Ensembl gene id, with or without a version."""
    return names.str.contains(ENSEMBL_ID)


def looks_like_ensembl(names: pl.Expr) -> pl.Expr:
    """Whether each name begins as an Ensembl id does, whatever follows: such a name is no symbol."""
    return names.str.contains(_LIKE_ENSEMBL)


def clean_symbol(names: pl.Expr) -> pl.Expr:
    """Reduce each name to a gene symbol, or to null if it is none.

    CELLxGENE tells features of one symbol apart as ``MATR3_ENSG00000280987``; the symbol is ``MATR3``.
    Ensembl ids, names without a letter, words for a missing value, and names with white space or control
    characters inside, which would fall apart in a sentence, are no symbols.
    """
    names = names.str.strip_chars().str.replace(_ENSEMBL_SUFFIX, "")
    is_symbol = (
        names.str.contains(r"\p{L}")
        & ~names.str.contains(r"[\s\p{C}]")
        & ~looks_like_ensembl(names)
        & ~names.is_in(_MISSING)
    )
    return pl.when(is_symbol).then(names)
