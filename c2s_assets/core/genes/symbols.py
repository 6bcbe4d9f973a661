"""What counts as a gene symbol, and what as an id of a gene."""

import polars as pl

from c2s_assets.core.genes.kinds import shows_no_gene

# ENSA is a gene: only a full stable id is an Ensembl id.
ENSEMBL_ID = r"^ENS[A-Z]*G\d{11}(\.\d+)?$"
# GENCODE writes ENSG00000182378.14_PAR_Y, and transcripts are ENST...: neither is a symbol. Files of Ensembl
# put gene: before an id.
_LIKE_ENSEMBL = r"(?i)^(gene[:-]|transcript[:-])?ENS[A-Z]*\d{11}"
# Cell Ranger puts the genome before each name where cells of several are mixed, and as many _ as make all
# prefixes alike: GRCh38_TP53, mm10___Trp53. Seurat turns _ into -.
_GENOME = (
    r"^(?i:GRC[hmz]\d\d|hg(?:19|38)|mm(?:9|10|39)|mRatBN\d|Rnor\d?|rn[67]|danRer\d+|Mmul_?10|Sscrofa11"
    r"|dm6|ce11|sacCer3)(?:[-_.]?p\d+)?[-_]+"
)
_ENSEMBL_SUFFIX = r"_ENS[A-Z]*G\d{11}(\.\d+)?$"
# Ids of FlyBase, WormBase, ZFIN, Xenbase, SGD, Vega, RefSeq, of anything that names its database before a
# colon, of transcripts that Cufflinks and StringTie assemble, and of probes on arrays.
_ACCESSION = (
    r"^((?i:FB(gn|tr|pp)\d{7}|WBGene\d{8}|ZDB-[A-Z]+-\d+-\d+|XB-GENE(PAGE)?-\d+|OTT[A-Z]*[GT]\d{11})|S\d{9}"
    r"|[NX][CGMPRTW]_\d{6,}(\.\d+)?"
    r"|(?i:MGI|RGD|HGNC|SGD|ZFIN|TAIR|Xenbase|FlyBase|WormBase|Ensembl|(NCBI_?)?Gene_?ID|Entrez(_?Gene)?"
    r"|NCBI_?Gene|UniProt(KB)?)[:|_]\S+"
    r"|(XLOC|TCONS)_(l2_)?\d{8}|MSTRG\.\d+(\.\d+)?|\S+_at|ILMN_\d+)$"
)
# Yeast and Arabidopsis number their genes along the chromosomes; one that was studied has a symbol too.
_LOCUS_TAG = r"^(Y[A-P][LR]\d{3}[CW](-[A-Z])?|Q0\d{3}|(?i:AT[1-5CM]G\d{5})(\.\d+)?)$"
# What pandas and R write for a missing value. In lower case "na" and "none" may be genes of the fly.
_MISSING = ("nan", "NaN", "NA", "<NA>", "N/A", "None", "NULL", "null")
_NO_GENE = (
    r"(?i)^(deprecated|obsolete|retired|withdrawn|unknown|unnamed|undefined|unassigned|unannotated|unmapped"
    r"|uncharacteri[sz]ed|intergenic|novel|missing|(?-i:GRC[hmz]\d\d)|hg(19|38)|mm(9|10|39)"
    # What Excel makes of MARCH1, SEPT2 and DEC1.
    r"|\d{1,2}-(mar|sept?|dec|oct|apr|feb|nov)|(mar|sept?|dec|oct|apr|feb|nov)-\d\d"
    # What stands where nobody named the features.
    r"|(gene|feature|var|variable|probe)[-_. ]\d+)$"
)
_RETIRED = r"(?i)^(deprecated|obsolete|retired|withdrawn)([-_.: ]|$)"

# What AnnData, R and pandas put behind a name to make it unique: TBCE-1, TBCE.1, TBCE_1, TBCE__1.
_NUMBERED = r"^(.+?)(?:[-.]|_{1,2})[1-9]\d{0,3}$"
# Of the approved symbols of HGNC nine are another one with a number behind: segments of antigen receptors,
# and C4A_2, C4B_2, GTF2H2C_2 (R turns their _ into -). Ensembl calls copies that Rfam finds SNORD116, beside
# the approved SNORD116-1.
_TRULY_NUMBERED = r"(?i)^((IG[HKL]|TR[ABDG])[VDJ]\d.*|SNORD11[3-6]-\d+|(C4A|C4B|GTF2H2C)[-_.]2)$"


def is_ensembl_id(names: pl.Expr) -> pl.Expr:
    """Whether each name is an Ensembl gene id, with or without a version."""
    return names.str.contains(ENSEMBL_ID)


def looks_like_ensembl(names: pl.Expr) -> pl.Expr:
    """Whether each name begins as an Ensembl id does, whatever follows: such a name is no symbol."""
    return names.str.contains(_LIKE_ENSEMBL)


def is_locus_tag(names: pl.Expr) -> pl.Expr:
    """Whether each name is a place on a chromosome of yeast or Arabidopsis: YAL001C, AT1G01010."""
    return names.str.contains(_LOCUS_TAG)


def is_retired(names: pl.Expr) -> pl.Expr:
    """Whether each name says that the gene is none any more, as ``DEPRECATED_ENSG00000279928`` does."""
    return names.str.contains(_RETIRED)


def clean_symbol(names: pl.Expr) -> pl.Expr:
    """Reduce each name to a gene symbol, or to null if it is none.

    CELLxGENE tells features of one symbol apart as ``MATR3_ENSG00000280987``; the symbol is ``MATR3``. No
    symbols are ids of databases, names without a letter, words for a missing value, names that show something
    else than a gene, such as ``ERCC-00002`` or ``chr1:9790-10673``, and names with white space, control
    characters or ``|`` inside, which would fall apart in a sentence or were put together from several.
    """
    names = without_id(names)
    is_symbol = (
        names.str.contains(r"\p{L}")
        & ~names.str.contains(r"[\s\p{C}|]")
        & ~looks_like_ensembl(names)
        & ~names.str.contains(_ACCESSION)
        & ~names.str.contains(_NO_GENE)
        & ~names.is_in(_MISSING)
        & ~is_retired(names)
        & ~shows_no_gene(names)
    )
    return pl.when(is_symbol).then(names)


def without_id(names: pl.Expr) -> pl.Expr:
    """Take off what CELLxGENE and Cell Ranger put around a symbol, an id and a genome, and white space."""
    return without_genome(names.str.strip_chars()).str.replace(_ENSEMBL_SUFFIX, "")


def without_genome(names: pl.Expr) -> pl.Expr:
    """Take the genome off that Cell Ranger puts before a name where cells of several organisms are mixed."""
    return names.str.replace(_GENOME, "")


def without_number(names: pl.Series) -> pl.Series:
    """Take the number off that was put behind a name to make it unique: where the name without it is there.

    ``TBCE-1`` is ``TBCE`` where there is a ``TBCE``. ``NKX2-1`` stays, as there is no ``NKX2``; so do the few
    names of genes that are made of another's.
    """
    known = names.drop_nulls().unique().implode()
    while True:
        base = names.str.extract(_NUMBERED)
        was_numbered = base.is_in(known) & ~names.str.contains(_TRULY_NUMBERED)
        if not was_numbered.any():
            return names
        names = base.zip_with(was_numbered.fill_null(value=False), names).alias(names.name)
