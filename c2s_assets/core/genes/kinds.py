"""What kind of thing a feature is: a gene, or something else that was counted in the same matrix."""

import polars as pl

from c2s_assets.core.columns import FEATURE_KIND
from c2s_assets.core.genes.var_columns import columns_called

GENE = "gene"
SPIKE_IN = "spike_in"
PROTEIN = "protein"
HASHTAG = "hashtag"
GUIDE = "guide"
PEAK = "peak"
OTHER = "other"
KINDS = (GENE, SPIKE_IN, PROTEIN, HASHTAG, GUIDE, PEAK, OTHER)

# Where Cell Ranger, CELLxGENE, muon and GENCODE say it, most specific first.
_TYPE_COLUMNS = (
    "feature_types",
    "feature_type",
    "feature_biotype",
    "feature_class",
    "modality",
    "gene_biotype",
    "gene_type",
    "biotype",
)
# In lower case, with blanks between the words. A biotype, such as protein_coding, is that of a gene.
_STATED = {
    SPIKE_IN: r"\bspike|\bercc\b|\bsirv|^synthetic$",
    PROTEIN: r"antibod|\badts?\b|totalseq|^(cell )?(surface )?prot(eins?)?( expression| capture)?$",
    HASHTAG: r"hash|multiplex|\bhtos?\b|\bcmos?\b|cell ?plex",
    GUIDE: r"crispr|guide|\bs?g ?rnas?\b",
    PEAK: r"\bpeaks?\b|chromatin|\batac\b|^genomic regions?$",
    OTHER: r"\bcustom\b|antigen|\bcontrol|codeword|\bblank\b|\bvdj\b|clonotype",
}

_CHROMOSOME = r"(chr[^\s:]+|GL\d{6}(\.\d+)?|KI\d{6}(\.\d+)?|JH\d{6}(\.\d+)?|\d{1,2}|MT|[XYM]|[23][LR])"
# Each as short as it can be without a name of a gene: none of the 44,615 approved symbols of HGNC, of its
# 58,391 alias and previous symbols or of the 22,000 names of mouse genes in our test data is among them, but
# for the aliases lncTAF15:1-1 and b-PROTEIN.
_NAMED = {
    SPIKE_IN: r"(?i)^g?ERCC[-_. ]?\d{3,}|^SIRV-?\d|spike[-_. ]?ins?([-_. \d]|$)|^phi-?x(174)?$",
    PEAK: (
        rf"(?i)^[^\s:]+:[\d,]+(-|_|\.\.)[\d,]+([:_][-+.])?$|^{_CHROMOSOME}[-_]\d+[-_]\d+$"
        r"|(^|_)chr[\w.]+[-_:]\d+[-_:]\d+$|^\S+[-_]\d{4,}[-_]\d{4,}$|^peak[-_.]\d+$"
    ),
    PROTEIN: (
        r"(?i)totalseq|(^|[-_. ])(adt|antibody|abseq)([-_. ]|$)|pAbO|isotype|_ab$|^(ab_|prot(ein)?[-_:])"
        # of TotalSeq, by its number: CD3-A0034
        r"|[-_.]protein$|[^-_.][-_.][ABCD]0\d{3}$"
        r"|^anti[-_. ](human|mouse|rat|hamster)"
    ),
    HASHTAG: r"(?i)^(hto|cmo)[-_. ]?[a-d]?\d+|hash[-_. ]?tag|^sample[-_. ]?tag[-_. ]?\d+",
    GUIDE: (
        r"^sg[A-Z][A-Z0-9]{2,}"
        r"|(?i)(^|[-_. ])(sg|g)rna([-_. ]|\d|$)|[-_.]sg[-_.]?\d+$|(non|safe)[-_. ]?targeting|^NTC[-_.]\d+$"
        r"|[-_. ]guide[-_. ]?\d*$|^guide[-_. ]?\d|(^|[-_. ])crispr(i|a|ko|n)?[-_. ]"
    ),
    # Barcodes of cells, names that archives give to runs and samples, what HTSeq and STAR count besides, and
    # controls of Xenium, MERSCOPE and CosMx.
    OTHER: (
        r"(^|[^A-Za-z0-9])[ACGTN]{8,}(x?$|[^A-Za-z0-9])"
        r"|(?i)^(cell|(cell[-_. ]?)?barcode)[-_. ]?\d+$|^(spot|well)[-_. ]\d+$"
        r"|^([SED]R[RSX]|GSM|SAM[NED]A?)\d{5,}"
        r"|^(__|N_)?(no_?feature|ambiguous|too_low_aqual|not_aligned|alignment_not_unique|unmapped|multimapping)$"
        r"|^(blank|neg_?(control)?_?(probe|codeword|prb)|negative|system_?control|false_?code|genomic_?control"
        r"|(unassigned|deprecated)_?codeword|intergenic_?region)s?[-_. ]?\d+"
        # Columns of obs of Seurat and scanpy.
        r"|^(log1p_)?(n(Count|Feature)_\w+|nUMI|nGene|n_(genes|counts|umis?|cells|features)(_by_counts)?"
        r"|total_counts(_\w+)?|(pct|percent|frac)[-_.](counts|mito?|ribo?)([-_.]\w+)?)$"
    ),
}


# One pass for all takes a fifth of the time that one for each takes.
_ANY = "|".join(f"(?:{pattern})" for pattern in _NAMED.values())


def shows_no_gene(names: pl.Expr) -> pl.Expr:
    """Tell by a name alone that it stands for something else than a gene."""
    return names.str.contains(_ANY)


def kind_by_name(names: pl.Expr) -> pl.Expr:
    """Tell by a name alone for what it stands, if not for a gene; null if it may be a gene."""
    return pl.coalesce(
        pl.when(names.str.contains(pattern)).then(pl.lit(kind)) for kind, pattern in _NAMED.items()
    )


def kind_columns(var: pl.DataFrame) -> list[str]:
    """Find the columns that say what features are, such as `feature_types`."""
    return columns_called(_TYPE_COLUMNS, var)


def feature_kinds(names: list[pl.Series], var: pl.DataFrame) -> pl.Series:
    """Say what each feature is: what `var` states, else what one of its names shows, else a gene.

    Parameters
    ----------
    names
        Names of the features, each ``(n_vars,)``: the index, labels, ids.
    var
        Of which `kind_columns` are read.
    """
    stated = pl.DataFrame([var[column] for column in kind_columns(var)])
    shown = pl.DataFrame([series.alias(f"{place}") for place, series in enumerate(names)])
    kinds = pl.Series(FEATURE_KIND, [None] * shown.height, pl.String)
    if stated.width:
        said = [_stated_kinds(column).alias(column.name) for column in stated]
        kinds = pl.DataFrame(said).select(pl.coalesce(pl.all()).alias(FEATURE_KIND)).to_series()
    # Few names show that, so that only they are told apart.
    is_shown = shown.select(
        pl.any_horizontal(shows_no_gene(pl.col(name)) for name in shown.columns)
    ).to_series()
    rows = (is_shown & kinds.is_null()).arg_true()
    found = shown[rows].select(pl.coalesce(kind_by_name(pl.col(name)) for name in shown.columns)).to_series()
    return kinds.scatter(rows, found).fill_null(GENE)


def _stated_kinds(types: pl.Series) -> pl.Series:
    """Say what each type stands for; there are few, so that only they are read."""
    known = types.drop_nulls().unique()
    kinds = pl.select(_stated_kind(pl.lit(known))).to_series()
    return types.replace_strict(known, kinds, default=None, return_dtype=pl.String)


def _stated_kind(types: pl.Expr) -> pl.Expr:
    words = types.str.to_lowercase().str.replace_all(r"[\s_.-]+", " ").str.strip_chars()
    return pl.coalesce(
        pl.when(words.str.contains(pattern)).then(pl.lit(kind)) for kind, pattern in _STATED.items()
    )
