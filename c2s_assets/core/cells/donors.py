"""Who is a donor: one person or animal that can be told from others, under one spelling."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping

import polars as pl

from c2s_assets.core.cells.outcomes import names_nobody, reads_like_an_outcome, stand_for_missing
from c2s_assets.core.columns import DONOR_ID, HAS_KNOWN_DONOR

LABEL = "label"
N_CELLS = "n_cells"

# They show nothing, and come from spreadsheets and web pages.
_INVISIBLE = str.maketrans(dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", " "))
# What joins the two donors, or hashtags, of a doublet.
_JOINTS = re.compile(r" ?[,;|+&] ?| ?(?:__|[/_-]| x | and ) ?")
_SURE_JOINTS = frozenset(",;|+&")
# A label with more is no pair of anything, and to try all its parts would take for ever.
_MOST_JOINTS = 8
# Outcomes are rare among cells that were worth publishing; most donors have more cells than this.
_FEW_CELLS = 0.1


def donor_labels(column: pl.Series) -> pl.Series:
    """Read a column of donors as text: numbers as they were before one of them was missing."""
    if column.dtype.is_float():
        # Numbers become floats where one is missing: donor 1 is the same in a file that writes 1.0.
        return column.fill_nan(None).cast(pl.String).str.replace(r"\.0$", "")
    return column.cast(pl.String)


def name_donors(labels: pl.Series) -> pl.DataFrame:
    """Give every label of a whole column the id of its donor, and say whether that is known.

    Labels that differ in case or white space only are one donor, under the most frequent of its spellings,
    else the first, without space around it and with one space for any inside. An id is known unless it
    `names_nobody`, stands for a missing number among the others, as 999 may, or joins two other ids of the
    column as doublets are called: "HTO1_HTO2", "Ann+Bob".

    Parameters
    ----------
    labels
        One per cell, as `donor_labels` returns them.

    Returns
    -------
    One row per distinct label, missing ones included, in the order of the column: `label`, `donor_id`,
    `has_known_donor`, `n_cells`. `donor_id` is null for a label that is missing or empty.
    """
    counted = labels.alias(LABEL).to_frame().group_by(LABEL, maintain_order=True).len(N_CELLS)
    donors = _name(dict(counted.iter_rows()))
    ids, are_known = zip(*donors.values(), strict=True) if donors else ((), ())
    return counted.select(
        LABEL, pl.Series(DONOR_ID, ids, pl.String), pl.Series(HAS_KNOWN_DONOR, are_known, pl.Boolean), N_CELLS
    )


def name_cells(labels: pl.Series, donors: pl.DataFrame) -> pl.DataFrame:
    """Look up `donor_id` and `has_known_donor` of each cell in what `name_donors` made of all."""
    known = donors.select(LABEL, DONOR_ID, HAS_KNOWN_DONOR)
    found = (
        labels.alias(LABEL)
        .to_frame()
        .join(known, on=LABEL, how="left", nulls_equal=True, maintain_order="left")
    )
    return found.select(DONOR_ID, pl.col(HAS_KNOWN_DONOR).fill_null(value=False))


def count_known_donors(labels: Collection[str | None]) -> int:
    """Count the donors that can be told apart among the labels of one dataset."""
    return len({donor_id for donor_id, is_known in _name(Counter(labels)).values() if is_known})


def doubtful_donors(donors: pl.DataFrame) -> pl.DataFrame:
    """Find the known donors that may be an outcome rather than a person.

    Those have few cells, and an id that either holds a word such as negative or is, among ids with numbers,
    the only one without. Where most ids are like that, it is how the authors name people.

    Parameters
    ----------
    donors
        `donor_id`, `has_known_donor`, `n_cells`, one row per donor; those of `name_donors`, added up.
    """
    known = donors.filter(HAS_KNOWN_DONOR)
    has_number = known[DONOR_ID].str.contains(r"\d")
    most_have_numbers = bool(known.height > 2 and has_number.sum() >= 0.75 * known.height)
    reads_so = pl.Series([reads_like_an_outcome(donor_id) for donor_id in known[DONOR_ID]], dtype=pl.Boolean)
    is_doubtful = reads_so | (~has_number & most_have_numbers)
    if known.is_empty() or is_doubtful.sum() > known.height / 2:
        return known.clear()
    return known.filter(is_doubtful, pl.col(N_CELLS) <= _FEW_CELLS * int(donors[N_CELLS].sum()))


def _name(n_cells: Mapping[str | None, int]) -> dict[str | None, tuple[str | None, bool]]:
    """Give every label the id of its donor, and say whether that is known; see `name_donors`."""
    tidy = {label: _tidy(label or "") for label in n_cells}
    keys = {spelling: _without_case_and_space(spelling) for spelling in tidy.values() if spelling}
    spelled: Counter[tuple[str, str]] = Counter()
    for label, spelling in tidy.items():
        if spelling:
            spelled[keys[spelling], spelling] += n_cells[label]
    frequent: dict[str, str] = {}
    for key, spelling in sorted(spelled, key=spelled.__getitem__, reverse=True):
        frequent.setdefault(key, spelling)
    known = dict(zip(frequent, _are_known({donor: key for key, donor in frequent.items()}), strict=True))
    named = {spelling: (frequent[key], known[key]) for spelling, key in keys.items()}
    return {label: named.get(spelling, (None, False)) for label, spelling in tidy.items()}


def _tidy(label: str) -> str:
    return " ".join(unicodedata.normalize("NFC", label).translate(_INVISIBLE).split())


def _without_case_and_space(tidy: str) -> str:
    """Drop white space, but for the one that keeps two numbers apart: "1 12" is not "11 2"."""
    return re.sub(r"(?<!\d) | (?!\d)", "", unicodedata.normalize("NFC", tidy.casefold()))


def _are_known(keys: dict[str, str]) -> Iterator[bool]:
    """Say of each id, given with its key, whether it names one donor."""
    all_keys = set(keys.values())
    named = {donor_id for donor_id in keys if not names_nobody(donor_id)}
    named -= stand_for_missing(named)
    for donor_id in keys:
        yield donor_id in named and not _joins_two(donor_id, all_keys)


def _joins_two(donor_id: str, keys: Collection[str]) -> bool:
    """Whether an id is made of others, as A+B or A+B+C."""
    joints = list(_JOINTS.finditer(donor_id))
    return len(joints) <= _MOST_JOINTS and any(_is_joined_at(joint, donor_id, keys) for joint in joints)


def _is_joined_at(joint: re.Match[str], donor_id: str, keys: Collection[str]) -> bool:
    left, right = donor_id[: joint.start()], donor_id[joint.end() :]
    one, other = _without_case_and_space(left), _without_case_and_space(right)
    return (
        one in keys
        and one != other
        and _can_be_joined(one, other, joint.group().strip())
        and (other in keys or _joins_two(right, keys))
    )


def _can_be_joined(one: str, other: str, joint: str) -> bool:
    """Commas and plus signs join any ids; a dash or slash may belong to one, unless both parts are alike."""
    if joint in _SURE_JOINTS:
        return True
    shapes = {re.sub(r"\d+", "0", part) for part in (one, other)}
    return len(shapes) == 1 and any(character.isalpha() for character in one)
