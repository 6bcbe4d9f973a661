"""What of the answers of a vision model is published, and what is claimed of it."""

import re
import unicodedata
from collections.abc import Sequence

import polars as pl

from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial import columns as c

MACHINE_SOURCE = "machine-generated description, not reviewed by a pathologist"
MOST_CHARACTERS = 600

NO_TEXT = "the model gave no text"
TOO_LONG = f"the model's text has more than {MOST_CHARACTERS} characters"
OTHER_LETTERS = "the model's text has other letters than English"
OF_ITSELF = "the model speaks of itself"
OF_DIAGNOSIS = "the model's text has words of a diagnosis"

# What only a pathologist may say of a cell, after looking at it: parts of words, as of adenocarcinoma.
WORDS_OF_DIAGNOSIS = (
    *("abnormal", "adenoma", "anaplas", "apopto", "atroph", "atypi", "benign", "biops", "blastoma", "cancer"),
    *("carcino", "cirrho", "degenerat", "diagnos", "disease", "dysplas", "edema", "fibrosis", "fibrotic"),
    *("glioma", "grade", "haemorrh", "hemorrh", "healthy", "hyperchrom", "hyperplas", "hypertroph"),
    *("infarct", "infect", "inflam", "injur", "invad", "invasi", "ischaem", "ischem", "karyorrh", "kerati"),
    *("lesion", "leukaem", "leukem", "lymphom", "malign", "melanom", "metaplas", "metasta", "mitos", "mitot"),
    *("necro", "neoplas", "normal", "oncolog", "patholog", "pleomorph", "prognos", "pykno", "sarcom"),
    *("stage", "staging", "suspicious", "symptom", "syndrome", "therap", "tumor", "tumour", "ulcer"),
)
_DIAGNOSIS = re.compile("|".join(WORDS_OF_DIAGNOSIS), re.IGNORECASE)
# As who refuses does, or excuses itself.
_ITSELF = re.compile(r"\bI\b|\b[Mm]y\b|\b[Ss]orry\b|\ban AI\b")
_MARKUP = re.compile(r"[*`#]+")
_SCRIPT = frozenset("µμ")
_FEWEST_DESCRIBED = 0.9


def judge_answers(answers: Sequence[str | None]) -> pl.DataFrame:
    """Make plain text in one line of answers, and drop those that are not to be published.

    Returns
    -------
    ``machine_caption``, and ``why_no_machine_caption`` where that is null.
    """
    texts = [_plain(answer or "") for answer in answers]
    why = [_why_not(text) for text in texts]
    kept = [text if reason is None else None for text, reason in zip(texts, why, strict=True)]
    return pl.DataFrame(
        {c.MACHINE_CAPTION: kept, c.WHY_NO_MACHINE_CAPTION: why},
        schema={c.MACHINE_CAPTION: pl.String, c.WHY_NO_MACHINE_CAPTION: pl.String},
    )


def names_no_diagnosis(rows: pl.DataFrame) -> Finding:
    """Claim that no text that is published has a word that a pathologist would have to stand behind."""
    wrong = rows.drop_nulls(c.MACHINE_CAPTION).filter(
        pl.col(c.MACHINE_CAPTION).str.to_lowercase().str.contains_any(list(WORDS_OF_DIAGNOSIS))
    )
    n_asked, n_dropped = len(_asked(rows)), int((rows[c.WHY_NO_MACHINE_CAPTION] == OF_DIAGNOSIS).sum())
    message = f"{n_dropped:,} of {n_asked:,} texts have words of a diagnosis and were dropped."
    if wrong.height:
        message = (
            f"{wrong.height:,} texts have words of a diagnosis. This is a fault of ours: please report it."
        )
    figures = {"n_asked": n_asked, "n_dropped": n_dropped, "frac_dropped": n_dropped / max(n_asked, 1)}
    return Finding("names_no_diagnosis", wrong.is_empty(), message, figures, wrong)


def cells_are_described(rows: pl.DataFrame) -> Finding:
    """Claim that most of the cells that a model was asked about have a text."""
    asked = _asked(rows)
    n_described = asked[c.MACHINE_CAPTION].count()
    share = n_described / max(asked.height, 1)
    message = (
        f"{n_described:,} of the {asked.height:,} cells whose patches were sent to a model have a text, "
        f"which no pathologist has reviewed."
    )
    dropped = asked[c.WHY_NO_MACHINE_CAPTION].drop_nulls().value_counts(sort=True).rows()
    if dropped:
        message += f" Of others {'; '.join(f'{why} ({n:,})' for why, n in dropped)}."
    holds = share >= _FEWEST_DESCRIBED or not asked.height
    if not holds:
        message += " Another model may follow the instructions better."
    figures = {"n_asked": asked.height, "n_described": n_described, "frac_described": share}
    return Finding("cells_are_described", holds, message, figures)


def _asked(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop_nulls(c.PROMPT_SHA256)


def _plain(answer: str) -> str:
    """Leave out markup, and put all in one line."""
    text = _MARKUP.sub("", unicodedata.normalize("NFKC", answer))
    shown = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return " ".join("".join(_space(letter) for letter in shown).split()).strip("\"'“” ")


def _space(letter: str) -> str:
    """Take what is neither shown nor a space for a space."""
    return " " if unicodedata.category(letter)[0] in "CZ" else letter


def _why_not(text: str) -> str | None:
    if not text:
        return NO_TEXT
    if len(text) > MOST_CHARACTERS:
        return TOO_LONG
    if any(letter.isalpha() and not letter.isascii() and letter not in _SCRIPT for letter in text):
        return OTHER_LETTERS
    if _ITSELF.search(text):
        return OF_ITSELF
    return OF_DIAGNOSIS if _DIAGNOSIS.search(text) else None
