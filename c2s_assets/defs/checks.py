"""Which checks each asset has, and how their findings reach Dagster."""

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from c2s_assets.core.columns import CELL_ID
from c2s_assets.core.findings import Finding, rows_match
from c2s_assets.core.reports.text import as_markdown
from c2s_assets.defs.metadata import as_metadata, rows_as_markdown
from c2s_assets.schemas.documents import CheckReport
from c2s_assets.schemas.registry import CELLS, TABLES
from c2s_assets.storage.tables.parquet import read_table

# Under this name a result in the UI says which other check is broken for the same cause.
BECAUSE = "because"


@dataclass(frozen=True)
class Check:
    """A claim about an asset. A blocking one that fails keeps the asset as it was and stops what follows."""

    claim: str
    description: str
    blocking: bool = True


_KEEPS_SCHEMA = Check("keeps_schema", "Every declared column is there, with its type and within its bounds.")
_ROWS_MATCH_CELLS = Check("rows_match_cells", "One row per row of cell_metadata, in its order.")


def _of_declaration(asset_name: str) -> tuple[Check, ...]:
    """Claim what follows from the form of a table, see `publish_table`."""
    declared = TABLES.get(asset_name)
    if declared is None:
        return ()
    claims = ((_KEEPS_SCHEMA, declared.keeps_model), (_ROWS_MATCH_CELLS, declared.follows_cells))
    return tuple(check for check, is_claimed in claims if is_claimed)


_OF_SUMS = (
    Check(
        "sums_match_source",
        "All rows, read back, sum up to the counts of their cells as read from the source, and so does each "
        "feature over all rows.",
    ),
    Check("no_donor_in_both_splits", "No donor has rows on two sides."),
    Check("values_are_counts", "The matrix holds counts, which can be added up.", blocking=False),
    Check("donors_are_known", "A cell on a side has a donor that can be told from others.", blocking=False),
    Check("cell_types_are_known", "Every row is of cells of a known type.", blocking=False),
)

_OF_RELEASES = (
    Check("keeps_schema", "The document of the release names every file, and holds every part."),
    Check("keeps_limits_of_hub", "The Hub recommends no less, and its viewer can show every config."),
    Check("configs_load", "Each config has files, all with rows, the same columns and a page index."),
    Check("footers_are_true", "Files hold the rows that were counted, and ages in years."),
    Check("names_nobody", "No row and no document says whom to contact."),
    Check("files_are_documented", "Each file has the SHA-256 that the document of the release says."),
)
_OF_LICENCES = "The licence of every source is known, and the whole keeps to the terms of each."

# What is claimed of each asset beside what follows from its declaration.
_OWN: dict[str, tuple[Check, ...]] = {
    "gene_symbols": (
        _KEEPS_SCHEMA,
        Check("gene_symbols_did_not_shrink", "It holds most of the genes of the last set."),
    ),
    "cellxgene_listing": (
        _KEEPS_SCHEMA,
        Check("listing_did_not_shrink", "It is not empty, and holds most of what the last one held."),
        Check("records_are_well_formed", "Every record of Discover can be read.", blocking=False),
    ),
    "raw_h5ad": (Check("keeps_schema", "The file is a readable h5ad, and its provenance is complete."),),
    "dataset_profile": (
        Check("keeps_schema", "The profile holds every part, with its type."),
        Check("matrix_can_be_ranked", "The matrix holds counts or normalised values, not scaled ones."),
        Check(
            "reads_every_column",
            "Every column of obs and var, all of obsm and every matrix can be read.",
            blocking=False,
        ),
    ),
    "cell_metadata": (
        Check("rows_match_source", "One row per cell of the source, in its order."),
        Check("cell_ids_are_unique", "No two cells have the same id."),
        Check("donors_are_known", "Every cell has a donor that can be told from others.", blocking=False),
        Check(
            "donors_are_no_outcomes",
            "No donor of few cells reads like an outcome of demultiplexing.",
            blocking=False,
        ),
        Check("ages_are_known", "Every cell has an age, or an interval for it.", blocking=False),
        Check("ages_are_plausible", "No age is beyond the known lifespan of its organism.", blocking=False),
    ),
    "cell_fingerprints": (
        Check("cells_have_counts", "Every cell has counts, by which copies of it are found.", blocking=False),
    ),
    "feature_metadata": (
        Check("rows_match_source", "One row per feature of the chosen matrix, in its order."),
        Check("feature_ids_are_unique", "The source's own ids tell features apart.", blocking=False),
        Check("symbols_are_known", "At least half of the genes have a symbol.", blocking=False),
    ),
    "rank_fidelity": (
        Check("ranks_can_be_judged", "There are cells whose genes differ in expression.", blocking=False),
    ),
    "training_prompts": (
        Check("no_answer_in_question", "No question holds its answer, a donor id or a title."),
        Check("num_genes_is_true", "Sentences hold as many symbols as num_genes says."),
        Check("every_task_has_prompts", "There are prompts of each task that is asked for.", blocking=False),
    ),
    "unstructured_metadata": (Check("keeps_schema", "The document is JSON and names every key of uns."),),
    "projections": (
        _KEEPS_SCHEMA,
        Check("rows_match_cells", "In each table one row per row of cell_metadata, in its order."),
        Check(
            "authors_projections_are_untouched",
            "The author's own hold the values of the source, read again, as float32.",
        ),
        Check(
            "projections_are_complete",
            "PCA, UMAP and t-SNE are there, and no array of obsm is left out.",
            blocking=False,
        ),
    ),
    "expression": (
        Check(
            "matches_source",
            "All rows, read back, have the features and values that were read from the source; features "
            "ascend in every cell.",
        ),
    ),
    "expression_matrix": (
        Check("features_fit_into_columns", "There are not more features than a table can have columns."),
        Check("keeps_schema", "Every part has cell_id and one float32 column per feature, in their order."),
        Check("agrees_with_expression", "On a sample read again from the source, every value is the same."),
    ),
    "pseudobulk": (
        *_OF_SUMS,
        Check("accounts_for_all_cells", "Every cell is added up once, on no side, or of no known donor."),
        Check("groups_have_cells", "Every row is the sum of at least ten cells.", blocking=False),
    ),
    "pseudocells": (
        *_OF_SUMS,
        Check(
            "groups_have_cells",
            "Every group has more cells than are drawn, so that its pseudocells differ.",
            blocking=False,
        ),
    ),
    "cell_sentences": (
        Check("features_have_symbols", "At least one feature has a gene symbol."),
        Check(
            "words_look_like_genes",
            "The symbols are not mostly words of a language, nor of another organism where the cells are of "
            "man or mouse, and the cells are not called like genes.",
        ),
        Check(
            "sentences_have_words",
            "At least half of the cells that express genes have a sentence that is not empty.",
        ),
        Check("names_no_ensembl_id", "No word of a sentence is an Ensembl id."),
        Check(
            "sentences_match_source",
            "On a sample read again from the source: only expressed genes, each once, highest first, "
            "min(top_n, n_expressed) of them, and as many above ties as they say.",
        ),
        Check("gene_lists_name_genes", "Every gene list names a symbol of the dataset.", blocking=False),
        Check("cells_express_genes", "Every cell expresses at least one gene with a symbol.", blocking=False),
    ),
    "split_manifest": (
        Check("donors_can_be_read", "No column that names donors is left out because it cannot be read."),
        Check("accounts_for_all_cells", "Every cell of cell_metadata is counted once."),
        Check("no_donor_in_both_splits", "Every donor has one side."),
        Check("splits_by_donor", "Donors were split, not single cells.", blocking=False),
        Check(
            "test_share_near_target",
            "Test holds about the share of cells that was asked for.",
            blocking=False,
        ),
        Check(
            "validation_share_near_target",
            "Validation holds about the share of cells that was asked for, if there are ten donors.",
            blocking=False,
        ),
        Check("ages_are_balanced", "Train and test cover the same ages.", blocking=False),
        Check(
            "no_cell_is_left_out_for_its_age",
            "No cell is on no side because its age is not known.",
            blocking=False,
        ),
        Check(
            "no_donor_is_in_quarantine",
            "No donor is on no side because another name of theirs is on another one.",
            blocking=False,
        ),
        Check("plan_follows_settings", "The sides were drawn as datasets.yaml says now.", blocking=False),
    ),
    "cell_attributes": (
        Check("ways_agree", "All that says how many microns a pixel is says the same, within 3 %."),
        Check(
            "labels_are_plausible", "Labels are words of the field, no numbers of clusters.", blocking=False
        ),
    ),
    "dataset_card": (
        Check("keeps_schema", "Its head names files that are there, for each side that has rows."),
        Check(
            "card_is_true", "Every number and label of card and pictures is what the files say, read again."
        ),
        Check(
            "citations_name_their_doi",
            "The citation of the source names the publication that the catalogue has under its DOI.",
            blocking=False,
        ),
    ),
    "cell_outlines": (
        Check("cells_have_outlines", "Every cell has an outline, or none has.", blocking=False),
        Check("outlines_have_bins", "Of outlines that bins were added up in, 95 % have one.", blocking=False),
    ),
    "ligand_receptor_pairs": (
        Check(
            "pairs_are_measured", "Twenty pairs or more have all their genes in the dataset.", blocking=False
        ),
    ),
    "cell_communication": (
        Check("ways_agree", "All that says how many microns a pixel is says the same, within 3 %."),
        Check("stays_in_its_section", "No cell hears one of another section."),
        Check("what_is_sent_is_received", "Sums over senders, pairs and cells are the same."),
        Check("cells_have_places", "Every cell has a place, and one of its own.", blocking=False),
    ),
    "section_communication": (
        Check("sums_match_cells", "Sums over sections and pairs are those over cells."),
    ),
    "slide_images": (
        Check("cells_lie_in_the_image", "Of the cells 99 % lie in the image."),
        Check(
            "x_and_y_are_not_exchanged",
            "Cells do not lie beside the tissue while, with x and y exchanged, they would lie on it.",
        ),
        Check("slide_is_not_blank", "The image is not of one colour."),
    ),
    "image_patches": (
        Check("ways_agree", "All that says how many microns a pixel is says the same, within 3 %."),
        Check("pixels_are_fine_enough", "A pixel is at most 1 um, so that cells can be seen."),
        Check(
            "patches_show_something",
            "No patch is of one colour, and no tile of the image black.",
            blocking=False,
        ),
    ),
    "record_sides": (
        Check(
            "cells_have_records",
            "Half of the cells or more are on a side, and have a record.",
            blocking=False,
        ),
    ),
    "cell_records": (
        Check("records_match_sides", "Every cell on a side has a record there, and no other cell has one."),
        Check("no_edge_across_sides", "No cell hears one of another side."),
        Check("patches_share_no_pixels", "No pixel is in tissue patches of two sides."),
        Check("expression_origin_is_stated", "Expression is counts, or normalised.", blocking=False),
        Check("patches_are_whole", "At most 5 % of the records have a patch of one colour.", blocking=False),
    ),
    "captions": (
        Check(
            "blind_captions_hide_types",
            "A classifier tells cell types from caption_blind no better than always the most frequent one.",
            blocking=False,
        ),
    ),
    "machine_captions": (
        Check("names_no_diagnosis", "No published text has a word that only a pathologist may say."),
        Check(
            "cells_are_described",
            "Of the cells that a model was asked about 90 % have a text; no pathologist has reviewed it.",
            blocking=False,
        ),
    ),
    "leak_audit": (
        Check("keeps_schema", "The table of leaks has exactly the declared columns, with their types."),
        Check(
            "no_donor_is_on_two_sides",
            "In the written files of the whole lake, every person is on one side, that of the plan.",
        ),
        Check("no_copy_is_on_two_sides", "No cell is on two sides, under whatever name."),
        Check("sides_are_as_written", "Manifests and sides are what was built, byte by byte."),
        Check(
            "every_cell_can_be_compared",
            "Every dataset with sides has fingerprints, by which copies of its cells are found.",
            blocking=False,
        ),
    ),
    "leak_inflation": (
        Check("keeps_schema", "The table of scores has exactly the declared columns, with their types."),
        Check("reads_every_dataset", "No dataset with cells is left out.", blocking=False),
        Check(
            "random_split_is_not_better",
            "Models seem no better with cells held out at random than with whole donors held out.",
            blocking=False,
        ),
    ),
    "split_plan": (
        Check("keeps_schema", "The plan has exactly the declared columns, with their types."),
        Check("components_share_no_donor", "No donor is in two rows of the plan."),
        Check(
            "nobody_is_in_quarantine",
            "Nobody is on no side because two names of theirs are on two sides.",
            blocking=False,
        ),
    ),
    "donor_aliases": (
        Check("keeps_schema", "Pairs of donors and copies of cells have every declared column."),
        Check("reads_every_dataset", "No dataset is left out for want of fingerprints.", blocking=False),
        Check("genes_go_by_ids", "Genes of all datasets go by ids of one kind.", blocking=False),
        Check("donors_have_one_name", "No two donors share so many cells that they are one.", blocking=False),
        Check(
            "copies_have_a_primary",
            "Of every cell with copies the lake holds the canonical one.",
            blocking=False,
        ),
    ),
    "catalogue": (
        Check("keeps_schema", "Every declared table has exactly its columns, with their types."),
        Check("reads_every_dataset", "No dataset is left out for files that cannot be read.", blocking=False),
        Check("rows_match_lake", "Of each dataset as many cells are shown as its file holds."),
    ),
    "health_report": (
        Check("keeps_schema", "The report has exactly the declared columns, with their types."),
        Check("everything_is_fresh", "No dataset is stale for more than 36 hours.", blocking=False),
    ),
    "corpus_report": (
        Check("keeps_schema", "The report holds every part, with its type."),
        Check("accounts_for_cells", "Cells by tissue, disease ... each add up to all cells."),
        Check(
            "donors_are_on_one_side",
            "No donor is in train of one dataset and in test of another.",
            blocking=False,
        ),
        Check(
            "datasets_share_no_cells",
            "No two datasets hold the same cells of the same donors.",
            blocking=False,
        ),
    ),
    "train_test": (
        Check("no_donor_in_both_splits", "In the written files, no donor has cells on two sides."),
        Check("no_cell_in_both_splits", "In the written files, no cell is listed twice."),
        Check("rows_match_manifest", "Each side holds exactly the eligible cells of its donors."),
        Check("has_both_splits", "Neither train nor test is empty.", blocking=False),
        Check("cells_have_ages", "The cells that are used have an age.", blocking=False),
    ),
    "corpus_release": (
        *_OF_RELEASES,
        Check("split_is_proven", "With the certificate beside them, no donor and no cell is on two sides."),
        Check(
            "card_is_true",
            "Every number and label of card, pictures and croissant.json is what the files say, read again.",
        ),
        Check("licence_is_stated", "datasets.yaml says under which licence it is.", blocking=False),
        Check("licences_allow_it", _OF_LICENCES, blocking=False),
        Check(
            "citations_name_their_doi",
            "The citation of a source names the publication that the catalogue has under its DOI.",
            blocking=False,
        ),
    ),
    "atlas_release": (
        *_OF_RELEASES,
        Check("matches_source", "The expression, read back, is that of the lake."),
        Check("rows_match_cells", "All tables with a row per cell hold the same cells in the same order."),
        Check(
            "card_is_true", "Every number and label of card and licence is what the files say, read again."
        ),
        Check("licence_is_stated", "datasets.yaml says under which licence it is.", blocking=False),
        Check("licences_allow_it", _OF_LICENCES, blocking=False),
    ),
    "hub_dataset": (
        Check("licence_is_stated", "datasets.yaml says under which licence it is."),
        Check("licences_allow_it", _OF_LICENCES),
        Check("keeps_schema", "What readers of the repository find are the files that were staged."),
    ),
    "validation_report": (
        Check("keeps_schema", "The report holds every part, with its type."),
        Check(
            "tables_agree_on_cells",
            "Every table with one row per cell holds the cells of cell_metadata in its order, and the "
            "sides hold some of them, each once. The report is written even if not.",
        ),
        Check("checks_hold", "Every check of the dataset has a result, and holds.", blocking=False),
    ),
}
CHECKS = {name: (*_of_declaration(name), *own) for name, own in _OWN.items()}


def check_specs(
    asset_name: str, partitions_def: dg.PartitionsDefinition[str] | None
) -> list[dg.AssetCheckSpec]:
    """Declare an asset's checks with the partitions of the asset, so that one dataset hides no other."""
    with warnings.catch_warnings():
        # In preview in Dagster 1.13; without the partitions one dataset's result hides another's.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [_spec(check, asset_name, partitions_def) for check in CHECKS[asset_name]]


def check_result(finding: Finding, *, asset_name: str) -> dg.AssetCheckResult:
    """Show a finding in the UI: its message, its figures and the first rows that break the claim."""
    metadata = as_metadata({**finding.figures, BECAUSE: None if finding.holds else finding.because})
    if finding.rows is not None and not finding.rows.is_empty():
        metadata["rows"] = rows_as_markdown(finding.rows, n_rows=20)
    return dg.AssetCheckResult(
        check_name=finding.claim,
        passed=finding.holds,
        severity=dg.AssetCheckSeverity.ERROR
        if _is_blocking(finding, asset_name)
        else dg.AssetCheckSeverity.WARN,
        description=as_markdown(finding.message),
        metadata=metadata,
    )


def because_of(result: Any) -> str | None:
    """Name the other check that is broken for the same cause as an evaluated one, if that says so."""
    said = result.metadata.get(BECAUSE)
    return None if said is None else str(said.value)


def rows_match_cells(written: Path, cell_ids: pl.Series) -> Finding:
    """Claim that a written table has one row per cell, in the order of `cell_metadata`."""
    ids = read_table(written, columns=[CELL_ID])[CELL_ID]
    return rows_match("rows_match_cells", ids, cell_ids, of=CELLS)


def broken_claims(findings: Iterable[Finding], *, asset_name: str) -> list[Finding]:
    """Pick the findings that must stop the asset."""
    return [finding for finding in findings if not finding.holds and _is_blocking(finding, asset_name)]


def describe_broken(broken: Iterable[Finding]) -> str:
    """Say in one text what must stop an asset."""
    return "; ".join(f"{finding.claim}: {finding.message}" for finding in broken)


def check_reports(findings: Iterable[Finding], *, asset_name: str) -> list[CheckReport]:
    """Turn what was found of an asset into what its record keeps, in the order in which it is declared."""
    found = {finding.claim: finding for finding in findings}
    return [
        CheckReport(
            claim=check.claim,
            description=check.description,
            severity="ERROR" if check.blocking else "WARN",
            holds=found[check.claim].holds,
            message=found[check.claim].message,
            figures={name: _storable(value) for name, value in found[check.claim].figures.items()},
        )
        for check in CHECKS[asset_name]
        if check.claim in found
    ]


def _storable(value: int | float | str) -> int | float | str | None:
    """JSON knows no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _spec(
    check: Check, asset_name: str, partitions_def: dg.PartitionsDefinition[str] | None
) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check.claim,
        asset=asset_name,
        description=as_markdown(check.description),
        blocking=check.blocking,
        partitions_def=partitions_def,
    )


def _is_blocking(finding: Finding, asset_name: str) -> bool:
    for check in CHECKS[asset_name]:
        if check.claim == finding.claim:
            return check.blocking
    raise LookupError(f"{asset_name} has no check {finding.claim}: declare it in CHECKS of {__name__}")
