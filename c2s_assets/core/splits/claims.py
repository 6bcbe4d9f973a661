"""Claims about a split and about the written files of its sides."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from c2s_assets.core.cells.claims import AGES_ARE_KNOWN, DONORS_ARE_KNOWN
from c2s_assets.core.columns import CELL_ID, DONOR_ID, DONOR_UID, SPLIT, SPLIT_LEVEL
from c2s_assets.core.findings import Finding
from c2s_assets.core.splits.donors import LEFT_OUT
from c2s_assets.core.splits.manifest import BY_CELL, N_QUARANTINED
from c2s_assets.core.splits.plan import FEWEST_FOR_VALIDATION, N_ELIGIBLE, QUARANTINED_FOR, sides_of
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.core.splits.summary import SplitSummary

# Wasserstein distance between the ages of both sides, as a share of the whole range of ages: 17 donors
# from 15 to 75 with one of them in test are 0.2 to 0.3 apart whichever it is; 100 donors are below 0.05.
_FAR_APART = 0.35
# Donors come whole: with few of them the nearest share is not near.
_SHARE_TOLERANCE = 0.5
_WHY_FAR = (
    "Donors come whole, and those that were published keep their side: with few or unequal ones no nearer "
    "choice was found. Another size in datasets.yaml may suit them better."
)
_LEFT_OUT = {
    "n_non_primary": "as not primary",
    "n_copies": "as cells that are used elsewhere, or copies of them",
    "n_without_age": "without age",
    N_QUARANTINED: "with their donors, who are in quarantine",
}
_REPLAN = "c2s split --replan   shows what would move if the whole plan were made anew."
_NAME_THE_AGES = (
    "The check ages_are_known says what was read and what may hold ages: give that as age_column or "
    "age_group_column in the dataset's entry of datasets.yaml."
)


def accounts_for_all_cells(manifest: pl.DataFrame, *, n_cells: int) -> Finding:
    """Claim that every cell is counted once: eligible, or left out for one reason."""
    counted = int(manifest["n_cells"].sum())
    parts = {name: int(manifest[name].sum()) for name in (N_ELIGIBLE, *LEFT_OUT, N_QUARANTINED)}
    holds = counted == n_cells == sum(parts.values())
    left_out = [f", {parts[name]:,} left out {why}" for name, why in _LEFT_OUT.items() if parts[name]]
    message = f"{n_cells:,} cells: {parts[N_ELIGIBLE]:,} used{''.join(left_out)}."
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
    donors = sides.filter(
        pl.col(SPLIT_LEVEL) != BY_CELL, pl.col(DONOR_UID).is_not_null(), pl.col(SPLIT).is_not_null()
    )
    torn = (
        donors.group_by(DONOR_UID, maintain_order=True)
        .agg(pl.col(SPLIT).n_unique().alias("n_sides"), pl.len().alias("n_rows"))
        .filter(pl.col("n_sides") > 1)
    )
    n_donors = donors[DONOR_UID].n_unique()
    message = f"{n_donors:,} donors, none on two sides."
    if torn.height:
        message = (
            f"{torn.height:,} of {n_donors:,} donors are on two sides, the first is {torn[DONOR_UID][0]!r}. "
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


def donors_can_be_read(unread: str | None) -> Finding:
    """Claim that donors are not merely out of sight; `unread` says why their column cannot be read."""
    message = "No column that names donors is left out."
    if unread is not None:
        message = (
            f"The column {DONOR_ID!r} of obs cannot be read: {unread} Cells of one donor would be on two "
            f"sides, so nothing is split. Mend the column and add the file again, or give another one as "
            f"donor_column in the dataset's entry of datasets.yaml."
        )
    return Finding("donors_can_be_read", unread is None, message)


def splits_by_donor(summary: SplitSummary, *, tissue_level: str | None = None) -> Finding:
    """Claim that donors were split, not single cells.

    Parameters
    ----------
    tissue_level
        What of a tissue is on one side as a whole, if it is divided.
    """
    holds = summary.split_level != BY_CELL
    message = f"Each {summary.split_level} is on one side as a whole."
    if not holds and tissue_level is not None:
        message = (
            f"The dataset names no donors, so its tissue was divided: each {tissue_level} is on one side as "
            f"a whole. What is held out says how a model does elsewhere in this tissue, and nothing of other "
            f"people."
        )
    elif not holds:
        message = (
            "The dataset names no donors, so single cells were split: cells of one person can be on two "
            "sides. Don't measure generalisation to new donors on it."
        )
    figures = {"split_level": summary.split_level or "none"}
    return Finding("splits_by_donor", holds, message, figures, because=DONORS_ARE_KNOWN)


def test_share_near_target(summary: SplitSummary, *, spec: SplitSpec, tissue_level: str | None) -> Finding:
    """Claim that test holds about the share of cells that was asked for; see `splits_by_donor`."""
    share = summary.test_share or 0.0
    holds = _is_near(share, spec.test_size)
    message = f"Test holds {share:.1%} of the cells that are used, {spec.test_size:.1%} were asked for."
    if not holds and tissue_level is not None:
        message += f" {_why_far_in_tissue(summary, tissue_level)}"
    elif summary.n_test == 0:
        message += " Test needs two donors that can be told apart, or two cells where donors are not known."
    elif not holds:
        message += f" {_WHY_FAR}"
    figures = {
        "test_share": share,
        "test_size": spec.test_size,
        "n_train": summary.n_train,
        "n_test": summary.n_test,
        "n_donors_train": summary.n_donors_train,
        "n_donors_test": summary.n_donors_test,
    }
    because = None if summary.n_test else "has_both_splits"
    return Finding("test_share_near_target", holds, message, figures, because=because)


def _why_far_in_tissue(summary: SplitSummary, level: str) -> str:
    if level == "tissue":
        return (
            "Its sections may lie next to each other, so all are in train. Name the column that tells which "
            "piece of tissue each was cut from as tissue_block_column of spatial in the dataset's entry of "
            "datasets.yaml."
        )
    if summary.split_level == BY_CELL:
        return (
            f"Each {level} of the tissue comes whole, and cells near those of another side are on none: in a "
            f"small tissue these are many."
        )
    return f"Its one donor is in train; cell_records tests on each {level} of it that train leaves out."


def validation_share_near_target(summary: SplitSummary, *, spec: SplitSpec) -> Finding:
    """Claim that validation holds about the share that was asked for, if there are donors enough for it."""
    share, is_possible = summary.validation_share or 0.0, summary.n_donors >= FEWEST_FOR_VALIDATION
    message = (
        f"Validation holds {share:.1%} of the cells that are used, {spec.validation_size:.1%} were asked for."
    )
    holds = not is_possible or _is_near(share, spec.validation_size)
    if not is_possible and not summary.n_validation:
        message = (
            f"There is no validation side: {summary.n_donors:,} donors can be told apart, and it takes "
            f"{FEWEST_FOR_VALIDATION}. Use the folds for cross-validation instead."
        )
    elif not holds:
        message += f" {_WHY_FAR}"
    figures = {
        "validation_share": share,
        "validation_size": spec.validation_size,
        "n_validation": summary.n_validation,
        "n_donors_validation": summary.n_donors_validation,
    }
    return Finding("validation_share_near_target", holds, message, figures)


def plan_follows_settings(plan: pl.DataFrame, manifest: pl.DataFrame, *, spec: SplitSpec) -> Finding:
    """Claim that the donors of a dataset got their sides by what `datasets.yaml` says now."""
    donors = manifest.select(DONOR_UID).drop_nulls()
    others = sides_of(plan).filter(pl.col("spec_id") != spec.spec_id).join(donors, on=DONOR_UID, how="semi")
    message = "The sides were drawn as datasets.yaml says."
    if others.height:
        message = (
            f"{others.height:,} of {donors.height:,} donors got their side when section split of "
            f"datasets.yaml said something else, and keep it: a published side never moves. {_REPLAN}"
        )
    return Finding("plan_follows_settings", others.is_empty(), message, {"n_donors": others.height}, others)


def components_share_no_donor(plan: pl.DataFrame) -> Finding:
    """Claim that no donor is in two rows of a plan."""
    uids = sides_of(plan)
    repeated = uids.filter(pl.col(DONOR_UID).is_duplicated()).sort(DONOR_UID)
    message = f"{uids.height:,} donor ids of {plan.height:,} persons, each in one row."
    if repeated.height:
        message = (
            f"{repeated[DONOR_UID].n_unique():,} donor ids are in two rows, the first is "
            f"{repeated[DONOR_UID][0]!r}. The plan was changed by hand: put back the one that was there, or "
            f"make it anew: c2s split --replan --apply"
        )
    return Finding(
        "components_share_no_donor", repeated.is_empty(), message, {"n_ids": uids.height}, repeated
    )


def nobody_is_in_quarantine(plan: pl.DataFrame) -> Finding:
    """Claim that no person of the lake is on no side because two names of theirs are on two."""
    held = plan.filter(pl.col(QUARANTINED_FOR).is_not_null())
    message = f"None of {plan.height:,} persons is in quarantine."
    if held.height:
        message = (
            f"{held.height:,} of {plan.height:,} persons are on no side, because they turned out to be "
            f"donors that are on another; the first is {held['component_id'][0]!r}. {_REPLAN}"
        )
    return Finding("nobody_is_in_quarantine", held.is_empty(), message, {"n_persons": held.height}, held)


def no_donor_is_in_quarantine(plan: pl.DataFrame, manifest: pl.DataFrame) -> Finding:
    """Claim that no donor of a dataset is on no side because it is on two, under two names."""
    held = sides_of(plan).filter(pl.col(QUARANTINED_FOR).is_not_null())
    held = held.join(manifest.select(DONOR_UID, N_QUARANTINED), on=DONOR_UID)
    message = "No donor is in quarantine."
    if held.height:
        message = (
            f"{held[N_QUARANTINED].sum():,} cells of {held.height:,} donors are on no side: after they were "
            f"published, they turned out to be donors that are on another. The first is "
            f"{held[DONOR_UID][0]!r}, the same person as {held[QUARANTINED_FOR][0]!r}. {_REPLAN}"
        )
    return Finding("no_donor_is_in_quarantine", held.is_empty(), message, {"n_donors": held.height}, held)


def ages_are_balanced(manifest: pl.DataFrame, summary: SplitSummary) -> Finding:
    """Claim that train and test cover the same ages."""
    if summary.age_distance is None:
        return Finding(
            "ages_are_balanced",
            False,
            f"Ages of the two sides cannot be compared: one of them has none. {_NAME_THE_AGES}",
            because=AGES_ARE_KNOWN,
        )
    span = float(np.ptp(manifest["age_median"].drop_nulls().to_numpy()))
    far = summary.age_distance / span if span else 0.0
    message = (
        f"Mean age {summary.age_mean_train:.1f} in train and {summary.age_mean_test:.1f} in test; compared "
        f"from the youngest to the oldest cell, the sides are {summary.age_distance:.1f} years apart, "
        f"{far:.0%} of the range of ages."
    )
    if far > _FAR_APART:
        message += f" {_why_far_apart(summary)} Another seed in datasets.yaml draws others."
    figures = {"age_distance": summary.age_distance, "frac_of_range": far}
    return Finding("ages_are_balanced", far <= _FAR_APART, message, figures)


def _why_far_apart(summary: SplitSummary) -> str:
    if summary.n_donors_test == 1:
        return "Test is one donor, who is like no other and is drawn whatever the age."
    return "With few donors no nearer choice was found."


def no_cell_is_left_out_for_its_age(manifest: pl.DataFrame) -> Finding:
    """Claim that no cell is on no side because it has no age while others have one."""
    left_out = manifest.filter(pl.col("n_without_age") > 0).select(DONOR_UID, "n_cells", "n_without_age")
    n_left_out = int(manifest["n_without_age"].sum())
    n_primary = int(manifest["n_cells"].sum()) - int(manifest["n_non_primary"].sum())
    message = "No cell is left out for want of an age."
    if n_left_out:
        message = (
            f"{n_left_out:,} of {n_primary:,} cells have no age while others have one, and are on no "
            f"side. {_NAME_THE_AGES} To use them without an age, write split: {{missing_age: keep}} there."
        )
    return Finding(
        "no_cell_is_left_out_for_its_age",
        n_left_out == 0,
        message,
        {"n_without_age": n_left_out, "n_cells": n_primary},
        left_out,
        because=AGES_ARE_KNOWN,
    )


def no_cell_in_both_splits(cells: pl.DataFrame) -> Finding:
    """Claim that no cell is listed twice; `cells` holds `cell_id` of all sides."""
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
    written = {f"n_{side}": int((cells[SPLIT] == side).sum()) for side in SIDES}
    said = {name: getattr(summary, name) for name in written}
    message = f"Cells: {_listed(written)}, as split_manifest says."
    if written != said:
        message = (
            f"Cells: {_listed(written)}, but split_manifest says {_listed(said)}. Build split_manifest and "
            f"train_test again."
        )
    return Finding("rows_match_manifest", written == said, message, dict(written))


def has_both_splits(summary: SplitSummary) -> Finding:
    """Claim that neither train nor test is empty."""
    message = f"{summary.n_train:,} cells in train, {summary.n_test:,} in test."
    if not summary.n_test:
        message += " Without a second donor there is nothing to test on; the test folder is left out."
    if not summary.n_train:
        message += " No cell is eligible: all are copies, or none has an age. The train folder is left out."
    return Finding("has_both_splits", bool(summary.n_train and summary.n_test), message)


def cells_have_ages(n_with_age: int, *, n_cells: int, missing_age: str) -> Finding:
    """Claim that the cells that are used have an age, or are kept without one because that was asked for."""
    holds = n_with_age > 0 and (n_with_age == n_cells or missing_age == "keep")
    message = f"{n_with_age:,} of {n_cells:,} cells have an age."
    if n_with_age == 0:
        message = (
            f"None of the {n_cells:,} cells has an age, so they are kept without one and cannot train an age "
            f"clock. {_NAME_THE_AGES}"
        )
    elif n_with_age < n_cells and holds:
        message += " The others are kept without one, as datasets.yaml asks for."
    elif n_with_age < n_cells:
        message += " Those without should have been left out. Build split_manifest and train_test again."
    because = None if n_with_age else AGES_ARE_KNOWN
    return Finding("cells_have_ages", holds, message, {"n_with_age": n_with_age}, because=because)


def _is_near(share: float, target: float) -> bool:
    return abs(share - target) <= _SHARE_TOLERANCE * target


def _listed(n_cells: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} in {name.removeprefix('n_')}" for name, n in n_cells.items())
