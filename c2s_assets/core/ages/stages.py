"""What age a development stage stands for."""

import re

from c2s_assets.core.ages.intervals import (
    PRENATAL,
    UNIT_WORDS,
    UNKNOWN,
    AgeInterval,
    number_interval,
    open_interval,
    plain,
    range_interval,
)
from c2s_assets.core.ages.stage_terms import NAMED_STAGES, ORDINALS, STATED_LABELS

_ONTOLOGIES = ("HsapDv", "MmusDv")
_ORGANISMS = {
    "homo sapiens": "HsapDv",
    "human": "HsapDv",
    "ncbitaxon:9606": "HsapDv",
    "mus musculus": "MmusDv",
    "mouse": "MmusDv",
    "ncbitaxon:10090": "MmusDv",
}
_MISSING = {"", "unknown", "na", "n/a", "nan", "none"}

_NAMES = {label for label, _ in NAMED_STAGES.values()}
# Reversed, so that the first term of a label stays.
_BY_NAME = {
    (term_id.partition(":")[0], label): interval
    for term_id, (label, interval) in reversed(NAMED_STAGES.items())
}

# Five digits hold 150 years in days; more would only let a label exhaust us.
_NUMBER = r"\d{1,5}"
_AGED = r"[ -](?P<unit>years?|months?|weeks?|days?|yo)(?:[ -]old)?"
_ONE = re.compile(rf"(?P<low>{_NUMBER}){_AGED}(?: stage)?")
_OPEN = re.compile(rf"(?P<low>{_NUMBER}){_AGED}(?: stage)? and over(?: stage)?")
_RANGE = re.compile(
    rf"(?:(?:nursing|child|juvenile) stage \()?(?P<low>{_NUMBER})-(?P<high>{_NUMBER}){_AGED}"
    r"(?: (?:child |mature )?stage)?\)?"
)
_DECADE = re.compile(rf"(?P<ordinal>{'|'.join(ORDINALS)}) decade stage")
# Embryos of all species go through stages of these names. Theiler's stages 27 and 28 follow birth.
_PRENATAL = re.compile(
    r"\b(?:carnegie stage|theiler stage (?!2[78])|lmp month|week post-fertili[sz]ation|post[ -]?conception"
    r"|pcw|gestation(?:al)?|prenatal|(?<!post-)embryo(?:nic)?|fo?etal|fo?etus|zygote|cleavage|morula"
    r"|blastula|gastrula|neurula|organogenesis)\b"
)
_POSTNATAL = re.compile(r"(?:postnatal|post-embryonic)(?: developmental)? stage")


def stage_interval(
    label: str | None, *, ontology_term_id: str | None = None, organism: str | None = None
) -> AgeInterval:
    """Return the age a development stage stands for; the unknown age for a stage we do not know.

    A label that says its age is taken at its word, whatever the ontology. One that only names a stage
    ("adult stage") has an interval and no point, and means different things for a human, for a mouse and
    in an obsolete term: the term id decides, else the organism. Without either it is the human term in
    use, or the mouse term where there is no human one. A missing label is read from the id. Several
    stages joined by "||" are unknown.

    Parameters
    ----------
    label
        Label of HsapDv or MmusDv, today's or one from before the labels lost the word "human"
        ("22-year-old human stage"); labels of other ontologies where they follow the same patterns.
    organism
        Name, or NCBITaxon id. A stage that is only named is unknown for any but human and mouse.

    References
    ----------
    HsapDv and MmusDv, https://github.com/obophenotype/developmental-stage-ontologies
    """
    stage = plain(label or "").replace("human ", "")
    term_id = (ontology_term_id or "").strip()
    if "||" in stage:
        return UNKNOWN
    named = _named(stage, term_id, organism) if stage in _NAMES else None
    return named or _stated(stage) or _of_term(term_id)


def is_prenatal(text: str) -> bool:
    """Whether a text, made `plain`, names a stage or counts a time before birth, of any species."""
    return _PRENATAL.search(text) is not None


def _named(stage: str, term_id: str, organism: str | None) -> AgeInterval | None:
    if term_id in NAMED_STAGES:
        return NAMED_STAGES[term_id][1]
    for ontology in _likely_ontologies(term_id, organism):
        if (ontology, stage) in _BY_NAME:
            return _BY_NAME[ontology, stage]
    return None


def _likely_ontologies(term_id: str, organism: str | None) -> tuple[str, ...]:
    """Name the ontologies that the label can be from, the likeliest first."""
    prefix = term_id.partition(":")[0]
    if prefix in _ONTOLOGIES:
        return (prefix,)
    species = plain(organism or "")
    if species not in _MISSING:
        return (_ORGANISMS[species],) if species in _ORGANISMS else ()
    return _ONTOLOGIES if term_id.lower() in _MISSING else ()


def _stated(stage: str) -> AgeInterval | None:
    """Read what the label itself says."""
    if is_prenatal(stage):
        return PRENATAL
    if _POSTNATAL.fullmatch(stage):
        return AgeInterval(age_low=0.0, life_stage="postnatal")
    if match := _DECADE.fullmatch(stage):
        decade = ORDINALS.index(match["ordinal"])
        return range_interval(10 * decade, 10 * decade + 10, unit="years")
    return _counted(stage)


def _counted(stage: str) -> AgeInterval | None:
    """Read years, months, weeks or days, of which the last one named counts in."""
    if match := _ONE.fullmatch(stage):
        return number_interval(int(match["low"]), unit=UNIT_WORDS[match["unit"]])
    if match := _OPEN.fullmatch(stage):
        return open_interval(int(match["low"]), unit=UNIT_WORDS[match["unit"]])
    if match := _RANGE.fullmatch(stage):
        low, high = int(match["low"]), int(match["high"]) + 1
        return range_interval(low, high, unit=UNIT_WORDS[match["unit"]])
    return None


def _of_term(term_id: str) -> AgeInterval:
    if term_id in NAMED_STAGES:
        return NAMED_STAGES[term_id][1]
    return _stated(STATED_LABELS.get(term_id, "")) or UNKNOWN
