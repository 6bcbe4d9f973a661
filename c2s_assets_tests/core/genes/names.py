"""Names that features have in files: of genes, and of everything else."""

import re

from hypothesis import strategies as st

# As their organisms write them; each with what a rule could take it for.
TRUE_SYMBOLS = (
    # man, also as older annotations have them
    *("TP53", "NKX2-1", "HLA-A", "HLA-DRB1", "H1-0", "C1orf112", "MT-ND1", "ERCC1", "ERCC6L2-AS1", "CMTM6"),
    *(
        "RP11-34P13.7",
        "AC000123.1",
        "CTD-2545M3.6",
        "LOC123456",
        "KRTAP5-1",
        "IGHV3-30-3",
        "TRBV12-3",
        "SGK1",
    ),
    *("Y_RNA", "5S_rRNA", "snoU13", "7SK", "HOXA@", "FLJ23569", "hsa-mir-3688-1", "GATC", "ACACA", "CATTACA"),
    *("MARCH1", "SEPT2", "HTOR", "SPOT14", "NEGR1", "BLANK", "CONTROL1", "V7", "GUIDE", "ADT1", "PEAK1"),
    # mouse and rat, and mouse in upper case
    *(
        "Trp53",
        "Nkx2-1",
        "H2-K1",
        "mt-Nd1",
        "1700037F24Rik",
        "Gm10188",
        "Hbb-bs",
        "Rps6-ps1",
        "Sgk3",
        "TRP53",
    ),
    *("Ighv1-62-1", "D17H6S56E-5", "Gt(ROSA)26Sor", "RT1-A1", "AABR07000398.1", "n-R5s1", "Grcc10"),
    # fly
    *("w", "y", "Dll", "l(1)sc", "E(spl)mbeta-HLH", "alpha-Est1", "CG1234", "mt:CoI", "nan1", "na", "none"),
    *("His3.3A", "snRNA:U1:95Ca", "tRNA:Ala-AGC-1-1", "5SrRNA:CR33353", "drongo", "futsch", "sgg", "mir-9a"),
    # worm, zebrafish, yeast, plants
    *("unc-54", "Y74C9A.3", "his-1", "21ur-1", "act-1", "si:ch211-152c2.3", "zgc:171558", "hbaa1", "nkx2.4a"),
    *("ccl19a.1", "hsp70.1", "TFC3", "snR17a", "tA(AGC)D", "15S_rRNA", "FLC", "CYCD3;1", "ATHB-1", "NRT1.1"),
    # genes that were brought in
    *("EGFP", "tdTomato", "mCherry", "Cre", "BFP_2A"),
)

_digits = st.integers(1, 99_999).map(str)
_bases = st.text("ACGT", min_size=8, max_size=28)
_number = st.integers(1, 999_999_999)


def _joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


def _one_of(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


_spike_ins = st.one_of(
    _joined(
        _one_of("ERCC-", "ERCC_", "ERCC.", "ERCC", "ercc-", "gERCC-"),
        st.integers(1, 171).map("{:05d}".format),
    ),
    _joined(_one_of("SIRV", "SIRV-"), _digits),
    _joined(_one_of("spike-in_", "Spike_in-", "RNA_SPIKEIN_"), _digits),
)
_chromosomes = _one_of(
    *(
        "chr1",
        "chrX",
        "chr2L",
        "chrUn_KI270742v1",
        "GL000194.1",
        "KI270728.1",
        "1",
        "22",
        "X",
        "MT",
        "2L",
        "II",
    )
)
_peaks = st.tuples(
    _chromosomes, _one_of(":", "-", "_"), st.integers(1000, 10**8), st.integers(200, 3000)
).map(lambda peak: f"{peak[0]}{peak[1]}{peak[2]}{'_' if peak[1] == '_' else '-'}{peak[2] + peak[3]}")
_antibodies = st.one_of(
    _joined(
        _one_of("CD3", "CD45RA", "HLA-DR", "IgD"),
        _one_of("_TotalSeqB", "-TotalSeqC", "_ADT", "-ADT", ".adt", "_protein", "-A0034", "_C0138"),
    ),
    _joined(
        _one_of("ADT_", "adt-", "TotalSeq-A0", "anti-human_", "Antibody_", "prot_", "AB_"),
        _one_of("CD3", "CD19", "IgM"),
    ),
)
_hashtags = st.one_of(
    _joined(
        _one_of("HTO", "HTO_", "HTO-A", "Hashtag", "hashtag_", "Hash-tag-", "HashTag"),
        st.integers(1, 12).map(str),
    ),
    _joined(_one_of("CMO"), st.integers(301, 312).map(str)),
)
_guides = st.one_of(
    _joined(
        _one_of("TP53", "MYC", "KRAS"),
        _one_of("_sg", "-sg", "_sgRNA_", "-gRNA", "_gRNA_", "_guide", "-guide-"),
        _one_of("1", "2", "10"),
    ),
    _joined(
        _one_of("sgRNA_", "gRNA-", "sg", "CRISPRi_", "crispr-"),
        _one_of("TP53", "MYC", "KRAS"),
        _one_of("", "_1", "-2"),
    ),
    _joined(_one_of("non-targeting", "NonTargeting_", "non_targeting_", "NTC_", "safe-targeting-"), _digits),
    _joined(_one_of("TP53_", "MYC-"), st.text("ACGT", min_size=19, max_size=20)),
)
_barcodes = st.one_of(
    _bases,
    _joined(_bases, _one_of("-", "_", "."), _one_of("1", "2", "10", "1-0")),
    _joined(_one_of("sample1_", "10X82_2_", "a#", "L1:"), _bases, _one_of("", "x", "-1")),
    _joined(
        _one_of(
            "cell_",
            "Cell",
            "cell-",
            "CellBarcode",
            "cell_barcode_",
            "spot_",
            "SRR00000",
            "GSM00000",
            "SAMN00000",
        ),
        _digits,
    ),
)
_controls = st.one_of(
    _joined(
        _one_of("Blank-", "BLANK_00", "NegControlProbe_00", "NegControlCodeword_0", "Negative", "NegPrb"),
        _digits,
    ),
    _one_of(
        "__no_feature",
        "__ambiguous",
        "N_unmapped",
        "N_multimapping",
        "N_noFeature",
        "__not_aligned",
        "no_feature",
    ),
)
_columns_of_obs = _one_of(
    *("nCount_RNA", "nFeature_SCT", "n_genes", "n_genes_by_counts", "n_counts", "total_counts", "nUMI"),
    *("log1p_total_counts", "pct_counts_mt", "percent.mito"),
)
_placeholders = _joined(_one_of("feature_", "Gene_", "gene-", "GENE.", "var_"), _digits)
_words = _one_of("insulin", "tumor", "protein", "kinase", "receptor", "p53", "of", "type", "CD8")
_descriptions = st.lists(_words, min_size=2, max_size=6).map(" ".join)

NO_GENES = st.one_of(
    *(_spike_ins, _peaks, _antibodies, _hashtags, _guides, _barcodes, _controls, _descriptions),
    *(_columns_of_obs, _placeholders),
    _one_of("", " ", "-", "nan", "NaN", "NA", "<NA>", "N/A", "None", "NULL", "unknown", "Unassigned"),
    _one_of("1-Mar", "2-Sep", "01-Dec", "Mar-01", "Sep-02", "GRCh38", "mm10___"),
    _number.map(str),
)
IDS = st.one_of(
    _joined(
        _one_of("ENSG", "ENSMUSG", "ENSDARG", "ENST", "ensg", "gene:ENSG"), _number.map("{:011d}".format)
    ),
    _joined(_one_of("DEPRECATED_ENSG", "deprecated_ENSMUSG"), _number.map("{:011d}".format)),
    _joined(_one_of("FBgn", "FBtr", "FBGN"), st.integers(0, 9_999_999).map("{:07d}".format)),
    _number.map("WBGene{:08d}".format).filter(lambda name: re.fullmatch(r"WBGene\d{8}", name) is not None),
    _joined(_one_of("ZDB-GENE-", "ZDB-LINCRNAG-", "ZDB-MIRNAG-"), _one_of("990415-8", "030131-1", "1-2")),
    _joined(_one_of("MGI:", "HGNC:", "RGD:", "GeneID:", "Entrez:", "SGD:S", "XB-GENE-"), _digits),
    _joined(_one_of("NM_", "XR_", "NR_", "XM_"), _number.map("{:06d}".format), _one_of("", ".1", ".12")),
    _joined(_one_of("XLOC_", "TCONS_"), st.integers(0, 99_999_999).map("{:08d}".format)),
)


def numbered_symbols() -> st.SearchStrategy[tuple[str, str]]:
    """A symbol, and what it becomes where another feature has it."""
    symbols = _one_of(
        "TBCE", "MATR3", "HLA-A", "NKX2-1", "Actb", "w", "unc-54", "RP11-34P13.7", "LOC123", "7SK"
    )
    marks = _one_of("-", ".", "_", "__")
    return st.tuples(symbols, marks, st.integers(1, 200)).map(
        lambda made: (made[0], f"{made[0]}{made[1]}{made[2]}")
    )
