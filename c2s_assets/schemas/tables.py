"""What each table must look like; the descriptions appear in the Dagster UI and in the catalogue."""

from typing import ClassVar

import pandera.polars as pr
import polars as pl

from c2s_assets.core.genes.kinds import KINDS
from c2s_assets.core.genes.symbols import ENSEMBL_ID
from c2s_assets.core.spatial.answers import MACHINE_SOURCE, MOST_CHARACTERS
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.columns import column
from c2s_assets.schemas.images import IMAGE

Table = type[pr.DataFrameModel]

_NOT_EMPTY = {"min_value": 1}
_CELL = "Cell, as in cell_metadata."
_DATASET = "Key of the dataset in this lake."
_DONOR = "Donor, in one spelling where the source has several that differ in case or space."
_DONOR_UID = "Donor across datasets: <collection_id or dataset_id>/<donor_id>."
_NO_DONOR = "where the source names none"
_SENTENCE = "Symbols of the expressed genes, highest first, separated by one space."
_N_EXPRESSED = "Distinct symbols the cell expresses."
_SENTENCE_LENGTH = "Symbols in the sentence: min(top_n, n_expressed); with auto, those above the lowest ties."
_N_ABOVE_TIES = (
    "Symbols of the sentence above its lowest tie block, the several that have its lowest value and whose "
    "order says nothing of expression; all where there is none."
)
_TIE_SHARE = "Share of the sentence that is its lowest tie block: 1 - n_above_ties / sentence_length."
_SPLIT_LEVEL = "What is on one side as a whole: each donor, dataset or collection, or only each cell."
_LEVELS = ["donor", "dataset", "collection", "cell"]
_NO_COUNTS = "where the dataset has no counts"
_NO_EVIDENCE = "of cells with fewer than 85 genes, or without counts"
_SUBUNITS = "Symbol of the gene, or those of the subunits of a complex, with _ between."
_NO_OUTLINE = "of cells without an outline"
_NO_PLACE = "of cells without a place in the tissue"
_NO_NUCLEUS = "where none is seen at the centre, of spots, bins and beads, and beyond 0.6 um a pixel"
_NO_MACHINE_CAPTION = "where why_no_machine_caption says why"
_NOT_ASKED = "of cells that no model was asked about"
_FOLD = "Fold for cross-validation."
_NO_FOLD = "where the donor is not known: always for training"

_SUMMED = "0-based rows of feature_metadata that any of the cells has, ascending."
_SUM = "Sum of the counts of each of them, exact up to 16,777,216."


class CellMetadata(pr.DataFrameModel):
    """One row per cell, beside the source's own obs columns."""

    cell_id: str = column("Index of obs: the barcode.", unique=True, str_length=_NOT_EMPTY)
    dataset_id: str = column(_DATASET)
    donor_id: str = column(_DONOR, null=_NO_DONOR)
    donor_uid: str = column(_DONOR_UID, null=_NO_DONOR)
    has_known_donor: bool = column(
        "Whether the donor can be told from others: no pool, no outcome of demultiplexing."
    )
    organism: str = column("Species, as a scientific name.", null="where nothing says it")
    age: pl.Float32 = column(
        "Age.", unit="years", null="before birth, and where it is not known", ge=0, le=150
    )
    age_low: pl.Float32 = column(
        "Lower end of the interval the age stands for.", unit="years", null="if unknown", ge=0, le=150
    )
    age_high: pl.Float32 = column(
        "Upper end of that interval, not part of it.", unit="years", null="if open or unknown", ge=0
    )
    age_method: str = column(
        "Where the age was read: stage_label, age_column, age_group or unknown.",
        isin=["stage_label", "age_column", "age_group", "unknown"],
    )
    life_stage: str = column(
        "Before or after birth: prenatal, postnatal or unknown.", isin=["prenatal", "postnatal", "unknown"]
    )
    is_primary_data: bool = column(
        "Whether it is the canonical copy of the cell.", null="where the source does not say"
    )

    class Config:
        """The source's own columns stand beside the declared ones."""

        strict = False


class FeatureMetadata(pr.DataFrameModel):
    """One row per feature of the chosen matrix, in its order, beside the source's own var columns."""

    feature_id: str = column(
        "Ensembl id without version, else the var index.", unique=True, str_length=_NOT_EMPTY
    )
    symbol: str = column("Gene symbol.", null="if none is known")
    approved_symbol: str = column(
        "What HGNC calls this human gene today.", null="if that is not sure, or was not asked"
    )
    symbol_source: str = column("var column of the symbol, var_name or hgnc.", null="without a symbol")
    is_duplicated_symbol: bool = column("Whether another feature of the dataset has the same symbol.")
    feature_kind: str = column(
        "gene, or what else was counted: spike_in, protein, hashtag, guide, peak, other.", isin=KINDS
    )
    var_name: str = column("Index of var as it stands in the source.")
    n_cells: pl.Int64 = column("Cells of the dataset in which its value is not zero.", ge=0)
    mean: pl.Float32 = column(
        "Mean over all cells of the dataset, zeros included.", unit="the units of the chosen matrix"
    )
    is_highly_variable: bool = column(
        "Whether it is one of the 2,000 whose dispersion stands out.", null="if that is unknown"
    )

    class Config:
        """The source's own columns stand beside the declared ones."""

        strict = False


class Projection(pr.DataFrameModel):
    """One row per cell: its coordinates in one embedding, a float32 column for each axis."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)

    class Config:
        """The axes, such as `UMAP1` and `UMAP2`, stand beside it; see `schemas.projections`."""

        strict = False


class Expression(pr.DataFrameModel):
    """One row per cell: the features whose value is not zero, and their values."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    feature_index: pl.List = column(
        "0-based rows of feature_metadata whose value is not zero, ascending.", items=pl.Int32()
    )
    value: pl.List = column(
        "Value of each of them in the chosen matrix, counts or normalised, as it stands there.",
        items=pl.Float32(),
    )

    class Config:
        """Nothing else belongs into it."""

        strict = True


class CellFingerprints(pr.DataFrameModel):
    """One row per cell: hashes of its counts, by which copies of it are found in all datasets of the lake."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    n_genes: pl.Int32 = column(
        "Genes with a count, without spike-ins and filtered features.", null=_NO_COUNTS, ge=0
    )
    exact_1: pl.Int64 = column("Hash of all genes and their counts, first half.", null=_NO_EVIDENCE)
    exact_2: pl.Int64 = column("Hash of all genes and their counts, second half.", null=_NO_EVIDENCE)
    bands: pl.List = column(
        "16 hashes, each of a part of the counts: some stay as they are when genes are dropped.",
        null=_NO_EVIDENCE,
        items=pl.Int64(),
    )
    search_hashes: pl.List = column(
        "Of hashes of two neighbouring bands those that end in three zero bits, to search the whole lake by.",
        null=_NO_EVIDENCE,
        items=pl.Int64(),
    )

    class Config:
        """Nothing else belongs into it."""

        strict = True


class CellSentences(pr.DataFrameModel):
    """One row per cell: the symbols it expresses, highest first."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    cell_sentence: str = column(_SENTENCE)
    n_expressed: pl.Int32 = column(_N_EXPRESSED, ge=0)
    sentence_length: pl.Int32 = column(_SENTENCE_LENGTH, ge=0)
    n_above_ties: pl.Int32 = column(_N_ABOVE_TIES, ge=0)
    tie_share: pl.Float32 = column(_TIE_SHARE, null="where the sentence is empty", ge=0, le=1)

    class Config:
        """A column `cell_sentence_<list>` for each gene list stands beside the declared ones."""

        strict = False


class SplitManifest(pr.DataFrameModel):
    """One row per donor, or per cell where a dataset names no donors: its side, its fold, and why.

    Donors are split for the whole lake, see SplitPlan; these are its rows for one dataset.
    """

    split_level: str = column(_SPLIT_LEVEL, isin=_LEVELS)
    donor_uid: str = column(_DONOR_UID, null=_NO_DONOR)
    donor_id: str = column(_DONOR, null=_NO_DONOR)
    cell_id: str = column("Cell, where cells were split.", null="where donors were")
    split: str = column(
        "Side of all its cells that are used: train, validation or test.", null="if none is used", isin=SIDES
    )
    fold: pl.Int32 = column(_FOLD, null=f"{_NO_FOLD}, and if no cell is used", ge=0, le=4)
    age_median: pl.Float32 = column("Median age of its cells.", unit="years", null="if none has an age")
    n_cells: pl.Int64 = column("All its cells.", ge=0)
    n_non_primary: pl.Int64 = column("Cells left out: not the canonical copy.", ge=0)
    n_copies: pl.Int64 = column(
        "Cells left out: they or a copy are used elsewhere, as on another side of cell_records.", ge=0
    )
    n_without_age: pl.Int64 = column("Cells left out: no age.", ge=0)
    n_quarantined: pl.Int64 = column(
        "Cells left out: after it was published, it turned out to be a donor of another side.", ge=0
    )
    n_eligible: pl.Int64 = column("Cells that are used.", ge=0)
    copy_index: pl.List = column(
        "0-based rows of cell_metadata that n_copies counts, ascending.", items=pl.Int32()
    )
    reason: str = column("Why it is on this side, or on none.")

    class Config:
        """Nothing else belongs into it."""

        strict = True


class SplitPlan(pr.DataFrameModel):
    """One row per person of the lake, under whatever ids: the side, published once and kept."""

    component_id: str = column("The person: the first id that was published, or the dataset.", unique=True)
    donor_uids: pl.List = column("All ids that are this person, as donor_uid.", items=pl.String())
    split: str = column("Side: train, validation or test.", null="in quarantine", isin=SIDES)
    fold: pl.Int32 = column(_FOLD, ge=0, le=4)
    reason: str = column("Why it is on this side, or on none.")
    quarantined_for: str = column(
        "Component on another side that it turned out to be the same person as.", null="if there is none"
    )
    dataset_id: str = column("Dataset with which it was published.")
    n_eligible: pl.Int64 = column("Cells it had there that are used.", ge=0)
    major_version: pl.Int32 = column("Version of the whole plan in which that was decided.", ge=1)
    minor_version: pl.Int32 = column("Extension of that version.", ge=0)
    spec_id: str = column("What datasets.yaml said of the split then, as a digest.")

    class Config:
        """Nothing else belongs into it."""

        strict = True


class TrainTest(pr.DataFrameModel):
    """One row per cell of one side: its sentence, its age, its metadata and its publication."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    cell_sentence: str = column(_SENTENCE)
    age: pl.Float32 = column(
        "Age.", unit="years", null="before birth, and where it is not known", ge=0, le=150
    )
    n_expressed: pl.Int32 = column(_N_EXPRESSED, ge=0)
    sentence_length: pl.Int32 = column(_SENTENCE_LENGTH, ge=0)
    n_above_ties: pl.Int32 = column(_N_ABOVE_TIES, ge=0)
    tie_share: pl.Float32 = column(_TIE_SHARE, null="where the sentence is empty", ge=0, le=1)
    dataset_id: str = column(_DATASET)
    donor_id: str = column(_DONOR, null=_NO_DONOR)
    donor_uid: str = column(_DONOR_UID, null=_NO_DONOR)
    split: str = column("Side of the split: train, validation or test.", isin=SIDES)
    split_level: str = column(_SPLIT_LEVEL, isin=_LEVELS)
    fold: pl.Int32 = column(_FOLD, null=_NO_FOLD, ge=0, le=4)
    collection_id: str = column("Collection of CELLxGENE Discover.", null="if it is in none")
    publication_title: str = column("Title of the publication or dataset.", null="if unknown")
    publication_doi: str = column("DOI of the publication.", null="if unknown")
    publication_description: str = column("What the publication says it holds.", null="if unknown")

    class Config:
        """All columns of cell_metadata, and the sentences of gene lists, stand beside the declared ones."""

        strict = False


_UNSAID = "where the source does not say"
_NO_AGE = "where it is not known"


class _CellsOfADonor(pr.DataFrameModel):
    """What describes cells of one donor that are alike in all of it."""

    donor_uid: str = column(_DONOR_UID)
    split: str = column("Side of the donor: train, validation or test.", isin=SIDES)
    fold: pl.Int32 = column(_FOLD, ge=0, le=4)
    age: pl.Float32 = column("Age.", unit="years", null=f"before birth, and {_NO_AGE}", ge=0, le=150)
    age_low: pl.Float32 = column(
        "Lower end of the interval the age stands for.", unit="years", null=_NO_AGE, ge=0, le=150
    )
    age_high: pl.Float32 = column(
        "Upper end of that interval, not part of it.", unit="years", null=f"if open, and {_NO_AGE}", ge=0
    )
    is_open_ended: bool = column("Whether the age is the lowest that it may be: 80 and over.", null=_NO_AGE)
    age_months: pl.Float32 = column(
        "Age of a mouse.", unit="months", null=f"of other organisms, and {_NO_AGE}", ge=0
    )
    organism: str = column("Species, as a scientific name.", null="where nothing says it")
    sex: str = column("Sex.", null=_UNSAID)
    tissue: str = column("Tissue.", null=_UNSAID)
    tissue_type: str = column("tissue, organoid, cell culture ...", null=_UNSAID)
    cell_type: str = column("Cell type.", null=_UNSAID)
    assay: str = column("Assay.", null=_UNSAID)
    suspension_type: str = column("cell, nucleus or na.", null=_UNSAID)
    disease_list: pl.List = column("Diseases; normal is one.", null=_UNSAID, items=pl.String())
    is_healthy: bool = column("Whether that is normal, and nothing else.", null=_UNSAID)


class Pseudobulk(_CellsOfADonor):
    """One row per donor, cell type and assay: the counts of the cells added up.

    Cells that differ in anything else that is said of them, such as the tissue or the age of the donor, are
    in rows of their own. Cells on no side, and of donors that cannot be told apart, are left out.
    """

    n_cells: pl.Int32 = column("Cells that are added up.", ge=1)
    feature_index: pl.List = column(_SUMMED, items=pl.Int32())
    value: pl.List = column(_SUM, items=pl.Float32())
    frac_detected: pl.List = column("Share of the cells that have each of them.", items=pl.Float32())

    class Config:
        """Nothing else belongs into it."""

        strict = True


class Pseudocells(_CellsOfADonor):
    """One row per draw of a few cells of one donor, type and assay: their counts added up.

    Groups are the rows of Pseudobulk. Draw d takes the cells whose hash of seed, id and d is lowest, so that
    cells that come to a dataset, or go, leave all others of a draw as they were.
    """

    draw: pl.Int32 = column("Number of the draw among those of its group.", ge=0)
    n_cells: pl.Int32 = column("Cells that are added up: n_cells of the settings, or the whole group.", ge=1)
    n_cells_in_group: pl.Int32 = column("Cells that they were drawn from.", ge=1)
    feature_index: pl.List = column(_SUMMED, items=pl.Int32())
    value: pl.List = column(_SUM, items=pl.Float32())
    cell_index: pl.List = column(
        "0-based rows of cell_metadata that were drawn, ascending.", items=pl.Int32()
    )

    class Config:
        """Nothing else belongs into it."""

        strict = True


class RankFidelity(pr.DataFrameModel):
    """One row: how well expression is recovered from the ranks of the genes, as Cell2Sentence measures it.

    Of cells that are drawn, counts are scaled to 10,000 and become log10(1 + x). A line is fitted to them by
    log10(1 + rank), where that is below 3, and judged on all values above zero.
    """

    n_cells: pl.Int32 = column("Cells that were drawn: 1,024, or all.", ge=1)
    n_values: pl.Int64 = column("Their values above zero.", ge=2)
    slope: pl.Float32 = column("Slope of the line.")
    intercept: pl.Float32 = column("Its value at the highest rank.")
    r_squared: pl.Float32 = column("Share of the variance that it explains.", le=1)
    pearson_r: pl.Float32 = column("Correlation of expression and what is recovered.", ge=-1, le=1)
    spearman_r: pl.Float32 = column("The same of their ranks.", ge=-1, le=1)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class TrainingPrompts(pr.DataFrameModel):
    """One row per thing that is asked of a cell or a group of cells, to train a language model on.

    The lines of a text that begin with ``Cell:`` or ``Cell 1:`` are sentences.
    """

    task: str = column("What is asked: cell_type, age, cell_generation ...", str_length=_NOT_EMPTY)
    prompt: str = column("What the model is given.", str_length=_NOT_EMPTY)
    response: str = column("What it should answer.", str_length=_NOT_EMPTY)
    num_genes: pl.Int32 = column("Symbols that the sentences of all its cells hold.", ge=1)
    n_tokens: pl.Int32 = column(
        "Tokens of prompt and response, each encoded by itself, and one for the end.",
        null="without prompts.tokenizer",
        ge=1,
    )
    cell_ids: pl.List = column("Its cells, in their order in the prompt.", items=pl.String())
    template_id: str = column("Wording of the prompt: the task and a number.", str_length=_NOT_EMPTY)
    split: str = column("Side of its cells: train, validation or test.", isin=SIDES)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class GeneSymbols(pr.DataFrameModel):
    """One row per approved gene of HGNC: the symbols it has and had."""

    hgnc_id: str = column("Stable id of HGNC.", unique=True, str_matches=r"^HGNC:\d+$")
    symbol: str = column("Approved gene symbol.", unique=True, str_length=_NOT_EMPTY)
    feature_id: str = column(
        "Ensembl gene id without version.", null="if HGNC knows none", str_matches=ENSEMBL_ID
    )
    previous_symbols: pl.List = column("Symbols that were approved before.", items=pl.String())
    alias_symbols: pl.List = column("Other symbols that are or were in use.", items=pl.String())

    class Config:
        """Nothing else belongs into it."""

        strict = True


class CellAttributes(pr.DataFrameModel):
    """One row per cell of a tissue: what it is and of what state, where it lies, how large it is."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    section: str = column("Section of the tissue.", null=_NO_PLACE)
    organism: str = column("Species, as a scientific name.", null="where nothing says it")
    tissue: str = column("Tissue.", null=_UNSAID)
    cell_type: str = column("Cell type.", null=_UNSAID)
    tissue_disease_state: str = column(
        "Disease of the donor or the tissue; normal is one. It says nothing of a single cell.", null=_UNSAID
    )
    st_technology: str = column("Assay by which expression was measured in its place.", null=_UNSAID)
    cell_disease_state: str = column(
        "State of this very cell, from cell_disease_column.", null="unless a column says it of single cells"
    )
    x_um: pl.Float32 = column("From the leftmost cell, to the right.", unit="um", null=_NO_PLACE)
    y_um: pl.Float32 = column("From the topmost cell, down.", unit="um", null=_NO_PLACE)
    x_px: pl.Float32 = column(
        "Centre of the cell in the image, to the right.", unit="px", null=f"{_NO_PLACE}, or without an image"
    )
    y_px: pl.Float32 = column(
        "Centre of the cell in the image, down.", unit="px", null=f"{_NO_PLACE}, or without an image"
    )
    cell_diameter_um: pl.Float32 = column(
        "Diameter of the cell, the spot or the bead.", unit="um", null="where nothing says it", gt=0
    )
    diameter_basis: str = column(
        "How that is known: outline, as a circle of the area within it; spot or bead, as printed.",
        null="with the diameter",
        isin=["outline", "spot", "bead"],
    )

    class Config:
        """Nothing else belongs into it."""

        strict = True


class LigandReceptorPairs(pr.DataFrameModel):
    """One row per pair of a ligand and a receptor: whether the dataset measures it."""

    pair_index: pl.Int32 = column(
        "Number of the pair in cell_communication, from 0; those that need contact come last.",
        null="unless it is measured",
        ge=0,
    )
    ligand: str = column(_SUBUNITS, str_length=_NOT_EMPTY)
    receptor: str = column(_SUBUNITS, str_length=_NOT_EMPTY)
    needs_contact: bool = column("Whether cells have to touch: it is heard 10 um far, by spots 105.")
    is_measured: bool = column("Whether the dataset has the genes of all subunits.")

    class Config:
        """Nothing else belongs into it."""

        strict = True
        unique: ClassVar = ["ligand", "receptor"]


class CellCommunication(pr.DataFrameModel):
    """One row per cell: who can say something to it and by which pairs, and what it says itself."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    section: str = column("Section of the tissue.", null=_NO_PLACE)
    x_um: pl.Float32 = column("From the leftmost cell, to the right.", unit="um", null=_NO_PLACE)
    y_um: pl.Float32 = column("From the topmost cell, down.", unit="um", null=_NO_PLACE)
    n_neighbours: pl.Int32 = column(
        "Cells of the section within 200 um, spots within 205.", null=_NO_PLACE, ge=0
    )
    score_received: pl.Float32 = column("What it hears, over all senders and pairs.", null=_NO_PLACE, ge=0)
    sender_index: pl.List = column(
        "0-based rows of cell_metadata of those that it hears, ascending.", items=pl.Int32(), null=_NO_PLACE
    )
    sender_score: pl.List = column(
        "What it hears of each of them, over all pairs.", items=pl.Float32(), null=_NO_PLACE
    )
    received_pair_index: pl.List = column(
        "Pairs by which it hears something, ascending.", items=pl.Int32(), null=_NO_PLACE
    )
    received: pl.List = column(
        "What it hears by each of them, of all senders.", items=pl.Float32(), null=_NO_PLACE
    )
    score_sent: pl.Float32 = column("What others hear of it, over all pairs.", null=_NO_PLACE, ge=0)
    sent_pair_index: pl.List = column(
        "Pairs by which it is heard, ascending.", items=pl.Int32(), null=_NO_PLACE
    )
    sent: pl.List = column("What is heard of it by each of them.", items=pl.Float32(), null=_NO_PLACE)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class SectionCommunication(pr.DataFrameModel):
    """One row per section and measured pair: what its cells hear by it, all together."""

    section: str = column("Section of the tissue.", str_length=_NOT_EMPTY)
    pair_index: pl.Int32 = column("Number of the pair, from 0.", ge=0)
    ligand: str = column(_SUBUNITS, str_length=_NOT_EMPTY)
    receptor: str = column(_SUBUNITS, str_length=_NOT_EMPTY)
    score_sum: pl.Float32 = column("What all its cells hear by the pair, of all senders.", ge=0)
    n_hearing: pl.Int64 = column("Cells that hear something by it.", ge=0)
    n_contacts: pl.Int64 = column("How many times a cell hears another one by it.", ge=0)
    score_per_cell: pl.Float32 = column("The sum by the cells of the section that have a place.", ge=0)
    score_per_contact: pl.Float32 = column(
        "The sum by the contacts, which does not grow with the density of cells.",
        null="where no cell hears another one by it",
        ge=0,
    )

    class Config:
        """Nothing else belongs into it."""

        strict = True
        unique: ClassVar = ["section", "pair_index"]


class SlideImages(pr.DataFrameModel):
    """One row per section: its whole image, small."""

    section: str = column("Section of the tissue.", str_length=_NOT_EMPTY)
    slide: pl.Binary = column("The image as JPEG, of at most 512 pixels a side.")
    width_px: pl.Int32 = column("Width of the image itself.", unit="px", ge=1)
    height_px: pl.Int32 = column("Height of the image itself.", unit="px", ge=1)
    um_per_px: pl.Float32 = column("Microns per pixel of the image itself.", gt=0)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class CellOutlines(pr.DataFrameModel):
    """One row per cell: the corners of its outline, in order, the first not repeated."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    outline_x_px: pl.List = column(
        "Corners in the image, to the right.", items=pl.Float32(), unit="px", null=_NO_OUTLINE
    )
    outline_y_px: pl.List = column("The same corners, down.", items=pl.Float32(), unit="px", null=_NO_OUTLINE)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class ImagePatches(pr.DataFrameModel):
    """One row per cell: what the image shows of it and of the tissue around it."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    x_px: pl.Float32 = column("Centre of the cell in the image, to the right.", unit="px", null=_NO_PLACE)
    y_px: pl.Float32 = column("Centre of the cell in the image, down.", unit="px", null=_NO_PLACE)
    cell_patch: pl.Binary = column(
        "PNG of 64 x 64 pixels: 16 x 16 um, or, where pixels of the image are taken as they are, so many.",
        null=_NO_PLACE,
    )
    cell_um_per_px: pl.Float32 = column("Microns per pixel of cell_patch.", null=_NO_PLACE, gt=0)
    cell_inside_frac: pl.Float32 = column("Share of it that is in the image.", null=_NO_PLACE, ge=0, le=1)
    cell_is_blank: bool = column("Whether it is of one colour.", null=_NO_PLACE)
    tissue_patch: pl.Binary = column("JPEG of 224 x 224 pixels, 200 x 200 um.", null=_NO_PLACE)
    tissue_um_per_px: pl.Float32 = column("Microns per pixel of tissue_patch.", null=_NO_PLACE, gt=0)
    tissue_inside_frac: pl.Float32 = column("Share of it that is in the image.", null=_NO_PLACE, ge=0, le=1)
    tissue_is_blank: bool = column("Whether it is of one colour.", null=_NO_PLACE)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class Captions(pr.DataFrameModel):
    """One row per cell: what is said of it in words, and the facts that this is made of.

    A caption is written by a template, and nobody has reviewed it. What else it says is in cell_attributes.
    """

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    caption: str = column("All that is known of the cell, a sentence for each fact.", null=_NO_PLACE)
    caption_blind: str = column(
        "The same without any sentence from which its type could be told.", null=_NO_PLACE
    )
    caption_source: str = column("What wrote them.", null=_NO_PLACE, isin=["template-v1"])
    n_neighbours: pl.Int32 = column(
        "Cells of the section within 200 um, spots within 205.", null=_NO_PLACE, ge=0
    )
    density_per_mm2: pl.Float32 = column("These by the area of that circle.", null=_NO_PLACE, ge=0)
    neighbour_types: pl.List = column(
        "Most frequent types of the ten nearest cells, at most three.", items=pl.String(), null=_NO_PLACE
    )
    neighbour_fracs: pl.List = column(
        "Share of each among those of the ten that have a type.", items=pl.Float32(), null=_NO_PLACE
    )
    strongest_pairs: pl.List = column(
        "Ligand and receptor of the pairs by which it hears most, at most three.",
        items=pl.String(),
        null=_NO_PLACE,
    )
    nucleus_area_um2: pl.Float32 = column("Area of its nucleus.", unit="um2", null=_NO_NUCLEUS, gt=0)
    nucleus_elongation: pl.Float32 = column("How many times longer than wide it is.", null=_NO_NUCLEUS, ge=1)
    nucleus_stain: pl.Float32 = column("Mean optical density of haematoxylin in it.", null=_NO_NUCLEUS)

    class Config:
        """Nothing else belongs into it."""

        strict = True


class MachineCaptions(pr.DataFrameModel):
    """One row per cell: what a vision model says of its patches, which is not reviewed by a pathologist.

    It stands beside the caption of a template, see captions, and never for it.
    """

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    machine_caption: str = column(
        "What the model says, in one line, without words of a diagnosis.",
        null=_NO_MACHINE_CAPTION,
        str_length={"min_value": 1, "max_value": MOST_CHARACTERS},
    )
    machine_caption_source: str = column(
        "What kind of text that is.", null=_NO_MACHINE_CAPTION, isin=[MACHINE_SOURCE]
    )
    vision_model: str = column("Name of the model that was asked.", null=_NOT_ASKED)
    prompt_sha256: str = column("SHA-256 of the words it was asked with.", null=_NOT_ASKED)
    why_no_machine_caption: str = column("Why there is no text.", null="of cells that have one")

    class Config:
        """Nothing else belongs into it."""

        strict = True


class RecordSides(pr.DataFrameModel):
    """One row per cell: on which side its record is, or why it has none."""

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    split: str = column("Side: train, validation or test.", isin=SIDES, null="of cells without a record")
    why_on_no_side: str = column("Why it has no record in cell_records.", null="of cells that have one")

    class Config:
        """Nothing else belongs into it."""

        strict = True


class CellRecords(pr.DataFrameModel):
    """One row per cell of a side: its expression, what an image shows of it, what it hears, and its captions.

    Files are called by the side; `datasets` loads the folder, and decodes the images.
    """

    cell_id: str = column(_CELL, str_length=_NOT_EMPTY)
    dataset_id: str = column(_DATASET)
    cell_index: pl.Int32 = column("0-based row of cell_metadata, by which sender_index names cells.", ge=0)
    donor_uid: str = column(_DONOR_UID, null=_NO_DONOR)
    split: str = column("Side: train, validation or test.", isin=SIDES)
    split_level: str = column(
        "What is on one side as a whole: each donor, dataset, collection or cell, as in split_manifest; or, "
        "in a tissue of one donor, each block or section, or all of the tissue.",
        isin=[*_LEVELS, "block", "section", "tissue"],
    )
    section: str = column("Section of the tissue.")
    cell_patch: pl.Struct = column("PNG of 64 x 64 pixels; how wide tells cell_um_per_px.", **IMAGE)
    tissue_patch: pl.Struct = column("JPEG of 224 x 224 pixels, 200 x 200 um.", **IMAGE)
    slide: pl.Struct = column("JPEG of the whole image, of at most 512 pixels a side.", **IMAGE)
    cell_um_per_px: pl.Float32 = column("Microns per pixel of cell_patch: 0.25, or those of the image.", gt=0)
    tissue_um_per_px: pl.Float32 = column("Microns per pixel of tissue_patch.", gt=0)
    cell_inside_frac: pl.Float32 = column("Share of cell_patch that is in the image.", ge=0, le=1)
    tissue_inside_frac: pl.Float32 = column("Share of tissue_patch that is in the image.", ge=0, le=1)
    cell_is_blank: bool = column("Whether cell_patch is of one colour.")
    tissue_is_blank: bool = column("Whether tissue_patch is of one colour.")
    feature_index: pl.List = column(
        "0-based rows of feature_metadata whose value is not zero, ascending.", items=pl.Int32()
    )
    value: pl.List = column("Value of each of them in the chosen matrix.", items=pl.Float32())
    expression_kind: str = column("What these values are: counts or normalised.")
    n_neighbours: pl.Int32 = column("Cells of the section within 200 um, spots within 205.", ge=0)
    score_received: pl.Float32 = column("What it hears, over all senders and pairs.", ge=0)
    sender_index: pl.List = column("cell_index of those that it hears, ascending.", items=pl.Int32())
    sender_score: pl.List = column("What it hears of each of them, over all pairs.", items=pl.Float32())
    received_pair_index: pl.List = column(
        "pair_index of the pairs by which it hears something, ascending.", items=pl.Int32()
    )
    received: pl.List = column("What it hears by each of them, of all senders.", items=pl.Float32())
    score_sent: pl.Float32 = column("What others hear of it, over all pairs.", ge=0)
    caption: str = column("All that is known of the cell, a sentence for each fact.")
    caption_blind: str = column("The same without any sentence from which its type could be told.")
    caption_source: str = column("What wrote them.")
    organism: str = column("Species, as a scientific name.", null="where nothing says it")
    tissue: str = column("Tissue.", null=_UNSAID)
    cell_type: str = column("Cell type.", null=_UNSAID)
    cell_disease_state: str = column(
        "State of this very cell.", null="unless a column says it of single cells"
    )
    tissue_disease_state: str = column("Disease of the donor or the tissue; normal is one.", null=_UNSAID)
    x_um: pl.Float32 = column("From the leftmost cell, to the right.", unit="um")
    y_um: pl.Float32 = column("From the topmost cell, down.", unit="um")
    x_px: pl.Float32 = column("Centre of the cell in the image, to the right.", unit="px")
    y_px: pl.Float32 = column("Centre of the cell in the image, down.", unit="px")
    cell_diameter_um: pl.Float32 = column(
        "Diameter of the cell, the spot or the bead.", unit="um", null="where nothing says it"
    )
    diameter_basis: str = column("How that is known: outline, spot or bead.", null="with the diameter")
    st_technology: str = column("Assay by which expression was measured in its place.", null=_UNSAID)

    class Config:
        """Nothing else belongs into it."""

        strict = True
