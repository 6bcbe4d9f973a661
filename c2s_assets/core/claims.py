"""Checks of values in memory: each function states one claim and says whether it holds."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from c2s_assets.core.columns import (
    AGE,
    AGE_HIGH,
    AGE_LOW,
    AGE_METHOD,
    CELL_ID,
    DONOR_ID,
    DONOR_UID,
    FEATURE_ID,
    LIFE_STAGE,
    SPLIT,
    SPLIT_LEVEL,
    SYMBOL,
)
from c2s_assets.core.features import IS_DUPLICATED_SYMBOL, VAR_NAME
from c2s_assets.core.findings import Finding
from c2s_assets.core.layers import MatrixVerdict
from c2s_assets.core.splits import TEST, TRAIN, SplitSpec, SplitSummary, is_indistinct

# Wasserstein distance between the ages of both sides, as a share of the whole range of ages: 17 donors
# from 15 to 75 with one of them in test are 0.2 to 0.3 apart whichever it is; 100 donors are below 0.05.
_FAR_APART = 0.35
# Donors come whole: with few of them the nearest share is not near.
_SHARE_TOLERANCE = 0.5

_NAME_THE_SYMBOLS = (
    "Name the var column of the symbols as symbol_column in the dataset's entry of datasets.yaml, or build "
    "gene_symbols to look up Ensembl ids."
)
_NAME_THE_AGES = (
    "If obs holds ages under another name, give it as age_column or age_group_column in the dataset's entry "
    "of datasets.yaml."
)
_OUR_FAULT = "This is a fault of ours: please report it."


def rows_match(claim: str, ids: pl.Series, expected: pl.Series, *, of: str) -> Finding:
    """Claim that a table has the rows of another, in its order."""
    if len(ids) != len(expected):
        return Finding(
            claim,
            False,
            f"{len(ids):,} rows, but {of} has {len(expected):,}. Build both again.",
            {"n_rows": len(ids), "n_expected": len(expected)},
        )
    differs = ids.ne_missing(expected)
    n_differ = int(differs.sum())
    message = f"{len(ids):,} rows in the order of {of}."
    if n_differ:
        message = f"{n_differ:,} of {len(ids):,} rows are not those of {of}. Build both again."
    rows = pl.DataFrame({"found": ids.filter(differs), "expected": expected.filter(differs)})
    return Finding(claim, n_differ == 0, message, {"n_rows": len(ids), "n_differ": n_differ}, rows)


def cell_ids_are_unique(cells: pl.DataFrame) -> Finding:
    """Claim that a cell id names one cell."""
    repeated = cells.group_by(CELL_ID, maintain_order=True).len("n_cells").filter(pl.col("n_cells") > 1)
    message = f"All {cells.height:,} cell ids are different."
    if repeated.height:
        message = (
            f"{repeated.height:,} cell ids stand for several cells, the first is {repeated[CELL_ID][0]!r}. "
            f"Make the index of obs unique (adata.obs_names_make_unique()) and add the file again."
        )
    return Finding(
        "cell_ids_are_unique", repeated.is_empty(), message, {"n_repeated": repeated.height}, repeated
    )


def donors_are_known(cells: pl.DataFrame) -> Finding:
    """Claim that every cell has a donor who can be told from others."""
    donors = cells.group_by(DONOR_ID, maintain_order=True).len("n_cells")
    unknown = donors.filter(is_indistinct(donors[DONOR_ID]))
    n_unknown = int(unknown["n_cells"].sum())
    message = f"{donors.height:,} donors, every cell has one."
    if n_unknown:
        effect = (
            "The dataset names no donors, so single cells are split"
            if cells[DONOR_ID].is_null().all()
            else "They are only used for training"
        )
        message = (
            f"{n_unknown:,} of {cells.height:,} cells have no donor that can be told from others. "
            f"{effect}. If obs has a donor column under another name, give it as donor_column in the "
            f"dataset's entry of datasets.yaml."
        )
    figures = {"n_donors": donors.height - unknown.height, "n_cells_without_donor": n_unknown}
    return Finding("donors_are_known", n_unknown == 0, message, figures, unknown)


def ages_are_known(cells: pl.DataFrame) -> Finding:
    """Claim that every cell born has an age, or an interval for it."""
    has_age = pl.col(AGE).is_not_null()
    has_interval = pl.col(AGE_LOW).is_not_null() | pl.col(AGE_HIGH).is_not_null()
    is_prenatal = pl.col(LIFE_STAGE) == "prenatal"
    counts = cells.select(
        n_with_age=has_age.sum(),
        n_with_interval_only=(has_interval & ~has_age).sum(),
        n_prenatal=is_prenatal.sum(),
        n_unknown=(~has_age & ~has_interval & ~is_prenatal).sum(),
    ).row(0, named=True)
    n_unknown = counts["n_unknown"]
    message = f"{counts['n_with_age']:,} of {cells.height:,} cells have an age."
    if n_unknown:
        message += f" {n_unknown:,} have neither age nor interval. {_NAME_THE_AGES}"
    methods = cells.group_by(AGE_METHOD, maintain_order=True).len("n_cells")
    figures = {"frac_with_age": counts["n_with_age"] / max(cells.height, 1), **counts}
    return Finding("ages_are_known", n_unknown == 0, message, figures, methods)


def reads_every_column(problems: Mapping[str, str]) -> Finding:
    """Claim that every column of obs and var and every matrix can be read; `problems` says why one cannot."""
    message = "Every column and every matrix can be read."
    if problems:
        name, problem = next(iter(problems.items()))
        message = f"{len(problems)} cannot be read and are left out, the first is {name}: {problem}"
    rows = pl.DataFrame(
        {"name": list(problems), "problem": list(problems.values())},
        schema={"name": pl.String, "problem": pl.String},
    )
    return Finding("reads_every_column", not problems, message, {"n_left_out": len(problems)}, rows)


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
    """Claim that at least half of the features have a gene symbol."""
    n_known = features[SYMBOL].count()
    share = n_known / max(features.height, 1)
    message = f"{n_known:,} of {features.height:,} features have a gene symbol."
    if share < 0.5:
        message += f" The others are in no sentence. {_NAME_THE_SYMBOLS}"
    figures = {
        "frac_with_symbol": share,
        "n_symbols": features[SYMBOL].drop_nulls().n_unique(),
        "n_features_sharing_a_symbol": int(features[IS_DUPLICATED_SYMBOL].sum()),
    }
    without = features.filter(pl.col(SYMBOL).is_null()).select(FEATURE_ID, VAR_NAME)
    return Finding("symbols_are_known", share >= 0.5, message, figures, without)


def features_have_symbols(features: pl.DataFrame) -> Finding:
    """Claim that at least one feature has a gene symbol."""
    n_known = features[SYMBOL].count()
    message = f"{n_known:,} features have a gene symbol."
    if n_known == 0:
        message = f"No feature has a gene symbol, so every sentence would be empty. {_NAME_THE_SYMBOLS}"
    return Finding("features_have_symbols", n_known > 0, message)


def matrix_can_be_ranked(verdict: MatrixVerdict, *, layer: str) -> Finding:
    """Claim that a higher value of the matrix means more expression."""
    range_seen = (
        f"{verdict.n_values_sampled:,} values between {verdict.min_value:g} and {verdict.max_value:g}"
    )
    messages = {
        "counts": f"{layer} holds counts: {range_seen}, all whole.",
        "normalised": f"{layer} holds normalised values: {range_seen}.",
        "scaled": f"{layer} was scaled: {range_seen}. Below zero, order no longer means expression. Keep "
        f"counts or log-normalised values in raw.X or a layer, and name it as layer in the dataset's entry "
        f"of datasets.yaml.",
        "unknown": f"{layer} holds nothing but zeros in the {verdict.n_cells_sampled:,} cells looked at. "
        f"Name the matrix that holds the expression as layer in the dataset's entry of datasets.yaml.",
    }
    figures = {
        "kind": verdict.kind,
        "min_value": verdict.min_value,
        "max_value": verdict.max_value,
        "frac_whole": verdict.frac_whole,
    }
    return Finding("matrix_can_be_ranked", verdict.can_be_ranked, messages[verdict.kind], figures)


def names_no_ensembl_id(found: pl.DataFrame, *, n_cells: int) -> Finding:
    """Claim that no word of a sentence is an Ensembl id; `found` lists those that are."""
    message = f"No Ensembl id in {n_cells:,} sentences."
    if found.height:
        message = (
            f"{found.height:,} words are Ensembl ids, the first is {found['found'][0]!r} of cell "
            f"{found[CELL_ID][0]!r}. {_OUR_FAULT}"
        )
    return Finding("names_no_ensembl_id", found.is_empty(), message, {"n_words": found.height}, found)


def sentences_match_source(broken: pl.DataFrame, *, n_cells: int) -> Finding:
    """Claim that sampled sentences say what the source says; `broken` lists rules that are not kept."""
    message = f"{n_cells:,} sentences agree with the source."
    if broken.height:
        first = broken.row(0, named=True)
        message = (
            f"{broken.height:,} rules broken in {n_cells:,} sentences, the first is {first['rule']!r} of "
            f"cell {first[CELL_ID]!r}: {first['found']}. Was the file changed while it was read? Build again."
        )
    return Finding("sentences_match_source", broken.is_empty(), message, {"n_cells_sampled": n_cells}, broken)


def cells_express_genes(n_expressed: pl.Series) -> Finding:
    """Claim that every cell expresses a gene with a symbol."""
    n_empty = int((n_expressed == 0).sum())
    message = f"All {len(n_expressed):,} cells express a gene with a symbol."
    if n_empty:
        message = (
            f"{n_empty:,} of {len(n_expressed):,} cells express no gene with a symbol; their sentences are "
            f"empty. Leave them out where you load the sentences: n_expressed is 0."
        )
    median = float(np.median(n_expressed)) if len(n_expressed) else 0.0
    figures = {"n_empty": n_empty, "median_n_expressed": median}
    return Finding("cells_express_genes", n_empty == 0, message, figures)


def accounts_for_all_cells(manifest: pl.DataFrame, *, n_cells: int) -> Finding:
    """Claim that every cell is counted once: eligible, or left out for one reason."""
    counted = int(manifest["n_cells"].sum())
    parts = {name: int(manifest[name].sum()) for name in ("n_eligible", "n_non_primary", "n_without_age")}
    holds = counted == n_cells == sum(parts.values())
    message = (
        f"{n_cells:,} cells: {parts['n_eligible']:,} used, {parts['n_non_primary']:,} left out as not "
        f"primary, {parts['n_without_age']:,} left out without age."
    )
    if not holds:
        message = (
            f"split_manifest counts {counted:,} cells and {sum(parts.values()):,} that are used or left out, "
            f"but cell_metadata has {n_cells:,}. Build both again."
        )
    return Finding("accounts_for_all_cells", holds, message, {"n_cells": n_cells, **parts})


def no_donor_in_both_splits(sides: pl.DataFrame) -> Finding:
    """Claim that every donor has one side.

    Parameters
    ----------
    sides
        `donor_uid`, `split` and `split_level`, one row per cell or per donor.
    """
    donors = sides.filter(pl.col(SPLIT_LEVEL) == "donor", pl.col(DONOR_UID).is_not_null())
    torn = (
        donors.group_by(DONOR_UID, maintain_order=True)
        .agg(pl.col(SPLIT).n_unique().alias("n_sides"), pl.len().alias("n_rows"))
        .filter(pl.col("n_sides") > 1)
    )
    n_donors = donors[DONOR_UID].n_unique()
    message = f"{n_donors:,} donors, none on both sides."
    if torn.height:
        message = (
            f"{torn.height:,} of {n_donors:,} donors are on both sides, the first is {torn[DONOR_UID][0]!r}. "
            f"Build split_manifest and train_test again."
        )
    elif n_donors == 0:
        message = "There are no donors to keep apart."
    return Finding(
        "no_donor_in_both_splits",
        torn.is_empty(),
        message,
        {"n_donors": n_donors, "n_in_both": torn.height},
        torn,
    )


def splits_by_donor(summary: SplitSummary) -> Finding:
    """Claim that donors were split, not single cells."""
    holds = summary.split_level == "donor"
    message = "Donors were split."
    if not holds:
        message = (
            "The dataset names no donors, so single cells were split: cells of one person can be on both "
            "sides. Don't measure generalisation to new donors on it."
        )
    return Finding("splits_by_donor", holds, message, {"split_level": summary.split_level or "none"})


def test_share_near_target(summary: SplitSummary, *, spec: SplitSpec) -> Finding:
    """Claim that test holds about the share of cells that was asked for."""
    share = summary.test_share or 0.0
    holds = abs(share - spec.test_size) <= _SHARE_TOLERANCE * spec.test_size
    message = f"Test holds {share:.1%} of the cells that are used, {spec.test_size:.1%} were asked for."
    if summary.n_test == 0:
        message += " Test needs two donors that can be told apart, or two cells where donors are not known."
    elif not holds:
        message += (
            " Donors come whole: with few or unequal ones no nearer choice was found. Another test_size in "
            "datasets.yaml may suit them better."
        )
    figures = {
        "test_share": share,
        "test_size": spec.test_size,
        "n_train": summary.n_train,
        "n_test": summary.n_test,
        "n_donors_train": summary.n_donors_train,
        "n_donors_test": summary.n_donors_test,
    }
    return Finding("test_share_near_target", holds, message, figures)


def ages_are_balanced(manifest: pl.DataFrame, summary: SplitSummary) -> Finding:
    """Claim that train and test cover the same ages."""
    if summary.age_distance is None:
        return Finding(
            "ages_are_balanced",
            False,
            f"Ages of the two sides cannot be compared: one of them has none. {_NAME_THE_AGES}",
        )
    span = float(np.ptp(manifest["age_median"].drop_nulls().to_numpy()))
    far = summary.age_distance / span if span else 0.0
    message = (
        f"Mean age {summary.age_mean_train:.1f} in train and {summary.age_mean_test:.1f} in test; the sides "
        f"are {summary.age_distance:.1f} years apart, {far:.0%} of the range of ages."
    )
    if far > _FAR_APART:
        message += " With few donors no nearer choice was found. Another seed in datasets.yaml draws others."
    figures = {"age_distance": summary.age_distance, "frac_of_range": far}
    return Finding("ages_are_balanced", far <= _FAR_APART, message, figures)


def no_cell_in_both_splits(cells: pl.DataFrame) -> Finding:
    """Claim that no cell is listed twice; `cells` holds `cell_id` of both sides."""
    repeated = cells.filter(pl.col(CELL_ID).is_duplicated())
    message = f"All {cells.height:,} cells are listed once."
    if repeated.height:
        message = (
            f"{repeated[CELL_ID].n_unique():,} cells are listed twice, the first is "
            f"{repeated[CELL_ID][0]!r}. Build train_test again."
        )
    return Finding(
        "no_cell_in_both_splits",
        repeated.is_empty(),
        message,
        {"n_cells": cells.height, "n_repeated": repeated.height},
        repeated,
    )


def rows_match_manifest(cells: pl.DataFrame, summary: SplitSummary) -> Finding:
    """Claim that each side holds exactly the eligible cells; `cells` holds the `split` of each."""
    n_train, n_test = ((cells[SPLIT] == side).sum() for side in (TRAIN, TEST))
    holds = (n_train, n_test) == (summary.n_train, summary.n_test)
    message = f"{n_train:,} cells in train and {n_test:,} in test, as split_manifest says."
    if not holds:
        message = (
            f"{n_train:,} cells in train and {n_test:,} in test, but split_manifest says {summary.n_train:,} "
            f"and {summary.n_test:,}. Build split_manifest and train_test again."
        )
    return Finding("rows_match_manifest", holds, message, {"n_train": int(n_train), "n_test": int(n_test)})


def has_both_splits(summary: SplitSummary) -> Finding:
    """Claim that neither side is empty."""
    message = f"{summary.n_train:,} cells in train, {summary.n_test:,} in test."
    if not summary.n_test:
        message += " Without a second donor there is nothing to test on; the test folder is left out."
    if not summary.n_train:
        message += " No cell is eligible: all are copies, or none has an age. The train folder is left out."
    return Finding("has_both_splits", bool(summary.n_train and summary.n_test), message)


def cells_have_ages(n_with_age: int, *, n_cells: int) -> Finding:
    """Claim that the cells that are used have an age."""
    message = f"{n_with_age:,} of {n_cells:,} cells have an age."
    if n_with_age == 0:
        message = (
            f"None of the {n_cells:,} cells has an age, so they are kept without one and cannot train an age "
            f"clock. {_NAME_THE_AGES}"
        )
    elif n_with_age < n_cells:
        message += " Those without should have been left out. Build split_manifest and train_test again."
    return Finding("cells_have_ages", 0 < n_with_age == n_cells, message, {"n_with_age": n_with_age})
