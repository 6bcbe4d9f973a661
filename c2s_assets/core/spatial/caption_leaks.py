"""How well a cell's type can be told from its caption, once the type's own words are taken out of it."""

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial.captions import OF_BLIND

# So much better than always guessing the most frequent type may be chance. Sentences are chosen with less, so
# that another classifier, or other cells, come to no more.
_TOLERANCE, _OF_CHOICE = 0.05, 0.02
_N_FOLDS = 5
# What few captions have teaches nothing of others; of pairs and numbers most words are of that kind.
_FEWEST_TEXTS, _MOST_STEPS = 3, 100


@dataclass(frozen=True)
class Leak:
    """How often a classifier is right about the types of cells it was not trained on.

    Attributes
    ----------
    recovered
        Share of cells whose type it tells.
    majority
        Share of the most frequent type: what it would get right without reading.
    """

    recovered: float
    majority: float

    def is_within(self, tolerance: float) -> bool:
        """Whether it is hardly better than not to read."""
        return self.recovered <= self.majority + tolerance


def measure_leak(texts: Sequence[str], types: Sequence[str], groups: NDArray[np.int64]) -> Leak | None:
    """Train a classifier on texts, and let it tell the types of groups that it has not seen.

    One and two words weighted by TF-IDF, a logistic regression, five folds of whole groups. The words of each
    cell's own type are taken out of its text first.

    Parameters
    ----------
    groups
        Donor or block of each cell.

    Returns
    -------
    None if there are fewer than two types or groups.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  half a second
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.model_selection import GroupKFold  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    answers = np.asarray(types)
    n_groups = len(np.unique(groups))
    if len(np.unique(answers)) < 2 or n_groups < 2:
        return None
    read = np.array([_without(label, text) for label, text in zip(types, texts, strict=True)], dtype=object)
    n_right = 0
    for train, test in GroupKFold(min(_N_FOLDS, n_groups)).split(read, answers, groups):
        if len(np.unique(answers[train])) < 2:
            n_right += int((answers[test] == answers[train][0]).sum())
            continue
        model = make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), min_df=_FEWEST_TEXTS),
            LogisticRegression(max_iter=_MOST_STEPS),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged: it is near enough to be judged
            n_right += int(
                (model.fit(read[train], answers[train]).predict(read[test]) == answers[test]).sum()
            )
    _, counts = np.unique(answers, return_counts=True)
    return Leak(n_right / len(answers), int(counts.max()) / len(answers))


def choose_blind_clauses(
    write: Callable[[Sequence[str]], Sequence[str]], types: Sequence[str], groups: NDArray[np.int64]
) -> tuple[list[str], Leak | None]:
    """Choose the clauses of captions from which types cannot be told; those that tell most go first.

    Parameters
    ----------
    write
        Writes the captions of the cells with some clauses.

    Returns
    -------
    The clauses, and what is left to be told from them.
    """
    clauses = list(OF_BLIND)
    while (
        (leak := measure_leak(write(clauses), types, groups)) is not None
        and not leak.is_within(_OF_CHOICE)
        and clauses
    ):
        clauses.pop()
    return clauses, leak


def blind_captions_hide_types(
    open_leak: Leak | None, blind_leak: Leak | None, *, clauses: Sequence[str], n_cells: int
) -> Finding:
    """Claim that types cannot be told from `caption_blind`; say how well they can be from `caption`."""
    claim = "blind_captions_hide_types"
    if open_leak is None or blind_leak is None:
        message = "There are no two types to be told apart, or no two donors or blocks to train and test on."
        return Finding(claim, True, message, {"n_cells": n_cells})
    left_out = [name for name in OF_BLIND if name not in clauses]
    message = (
        f"Without the words of the type itself, a classifier tells the type of {open_leak.recovered:.1%} of "
        f"{n_cells:,} cells from caption and of {blind_leak.recovered:.1%} from caption_blind; the most "
        f"frequent type has {blind_leak.majority:.1%}."
    )
    if left_out:
        message += f" From {', '.join(left_out)} it could be told, so caption_blind does not say that."
    figures: dict[str, int | float | str] = {
        "recovered_from_caption": open_leak.recovered,
        "recovered_from_caption_blind": blind_leak.recovered,
        "majority": blind_leak.majority,
        "n_cells": n_cells,
        "clauses_of_caption_blind": ", ".join(clauses) or "none",
    }
    return Finding(claim, blind_leak.is_within(_TOLERANCE), message, figures)


def _without(label: str, text: str) -> str:
    return re.sub(re.escape(label), "", text, flags=re.IGNORECASE)
