"""The terms of HsapDv and MmusDv by id, as of their release of 2025-01-23."""

from c2s_assets.core.ages.intervals import AgeInterval, years

ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
)  # fmt: skip

_DAY, _WEEK, _MONTH = years(1, "days"), years(1, "weeks"), years(1, "months")


def _from_birth_on(low: float, high: float | None = None, *, age: float | None = None) -> AgeInterval:
    return AgeInterval(age=age, age_low=low, age_high=high, life_stage="postnatal")


# Labels that do not say the age, with what the definition of the term says. Where a definition ends "until
# 14 years old", the terms below it show that the year counts in. A human is adult from 15 years on (the
# stage before, 5-14 yo, ends there), a mouse from 6 weeks. Of the terms that share a label the one in use
# comes first: it is what the label means without an id.
NAMED_STAGES: dict[str, tuple[str, AgeInterval]] = {
    "HsapDv:0000226": ("prime adult stage", _from_birth_on(15, 60)),
    "HsapDv:0000227": ("late adult stage", _from_birth_on(60)),
    "HsapDv:0000247": ("centenarian stage", _from_birth_on(100, age=100)),
    "HsapDv:0000258": ("adult stage", _from_birth_on(15)),
    "HsapDv:0000261": ("infant stage", _from_birth_on(28 * _DAY, 1)),
    "HsapDv:0000262": ("newborn stage (0-28 days)", _from_birth_on(0, 28 * _DAY, age=14 * _DAY)),
    "HsapDv:0000264": ("pediatric stage", _from_birth_on(0, 15)),
    "HsapDv:0000266": ("young adult stage", _from_birth_on(15, 40)),
    "HsapDv:0000267": ("middle aged stage", _from_birth_on(40, 60)),
    "HsapDv:0010000": ("postnatal stage", _from_birth_on(0)),
    "MmusDv:0000036": ("theiler stage 27", _from_birth_on(0, 4 * _DAY)),
    "MmusDv:0000043": ("immature stage", _from_birth_on(0, 6 * _WEEK)),
    "MmusDv:0000092": ("postnatal stage", _from_birth_on(0)),
    "MmusDv:0000110": ("mature stage", _from_birth_on(6 * _WEEK)),
    "MmusDv:0000134": ("late adult stage", _from_birth_on(18 * _MONTH)),
    "MmusDv:0000135": ("middle aged stage", _from_birth_on(10 * _MONTH, 18 * _MONTH)),
    "MmusDv:0000136": ("prime adult stage", _from_birth_on(6 * _WEEK, 18 * _MONTH)),
    "MmusDv:0000138": ("nursing stage", _from_birth_on(0, 22 * _DAY)),
    "MmusDv:0000153": ("young adult stage", _from_birth_on(6 * _WEEK, 10 * _MONTH)),
    "MmusDv:0000177": ("infant stage", _from_birth_on(4 * _DAY, 22 * _DAY)),
    "MmusDv:0000178": ("juvenile stage", _from_birth_on(23 * _DAY, 6 * _WEEK)),
    # Obsolete.
    "HsapDv:0000080": ("immature stage", _from_birth_on(0, 13)),
    "HsapDv:0000081": ("child stage", _from_birth_on(2, 13)),
    "HsapDv:0000082": ("newborn stage", _from_birth_on(0, 32 * _DAY)),
    "HsapDv:0000083": ("infant stage", _from_birth_on(31 * _DAY, 2)),
    "HsapDv:0000086": ("adolescent stage", _from_birth_on(13, 19)),
    "HsapDv:0000087": ("adult stage", _from_birth_on(19)),
    "HsapDv:0000088": ("early adulthood stage", _from_birth_on(19, 45)),
    "HsapDv:0000089": ("young adult stage", _from_birth_on(19, 25)),
    "HsapDv:0000091": ("late adulthood stage", _from_birth_on(45)),
    "HsapDv:0000092": ("middle aged stage", _from_birth_on(45, 65)),
    "HsapDv:0000093": ("aged stage", _from_birth_on(65)),
    "HsapDv:0000204": ("mature stage", _from_birth_on(13)),
    "HsapDv:0000256": ("under-1-year-old stage", _from_birth_on(31 * _DAY, 1, age=(31 * _DAY + 1) / 2)),
    "MmusDv:0000030": ("post-embryonic developmental stage", _from_birth_on(0)),
    "MmusDv:0000037": ("theiler stage 28", _from_birth_on(4 * _DAY)),
    "MmusDv:0000038": ("infant stage", _from_birth_on(1 * _WEEK, 6 * _WEEK)),
    "MmusDv:0000039": ("adolescent stage", _from_birth_on(4 * _WEEK, 7 * _WEEK)),
    "MmusDv:0000040": ("adult stage", _from_birth_on(5 * _WEEK)),
    "MmusDv:0000061": ("early adult stage", _from_birth_on(6 * _WEEK, 7 * _MONTH)),
    "MmusDv:0000075": ("middle aged stage", _from_birth_on(7 * _MONTH, 15 * _MONTH)),
    "MmusDv:0000076": ("aged adult stage", _from_birth_on(15 * _MONTH)),
    "MmusDv:0000096": ("early immature stage", _from_birth_on(0, 1 * _WEEK)),
    "MmusDv:0000097": ("late adult stage", _from_birth_on(7 * _MONTH)),
    "MmusDv:0000112": ("premature stage", _from_birth_on(4 * _DAY, 6 * _WEEK)),
}


def _numbered(ontology: str, first: int, labels: list[str]) -> dict[str, str]:
    """Give consecutive ids to labels."""
    return {f"{ontology}:{number:07d}": label for number, label in enumerate(labels, start=first)}


def _aged(first: int, last: int, unit: str) -> list[str]:
    return [f"{number}-{unit}-old stage" for number in range(first, last + 1)]


def _prenatal(n_terms: int) -> list[str]:
    return ["prenatal stage"] * n_terms


# Terms whose label says all there is to know, so that a bare id can be read as its label.
STATED_LABELS: dict[str, str] = {
    **_numbered("HsapDv", 2, _prenatal(34)),
    **_numbered("HsapDv", 37, _prenatal(1)),
    **_numbered("HsapDv", 45, _prenatal(31)),
    **_numbered("HsapDv", 84, ["2-5 year-old child stage", "6-12 year-old child stage"]),
    **_numbered("HsapDv", 90, ["25-44 year-old stage"]),
    **_numbered("HsapDv", 94, ["65-79 year-old stage", "80 year-old and over stage"]),
    **_numbered("HsapDv", 96, _aged(2, 79, "year")),
    **_numbered("HsapDv", 174, _aged(1, 23, "month")),
    **_numbered("HsapDv", 197, _prenatal(7)),
    **_numbered("HsapDv", 205, _prenatal(1)),
    **_numbered("HsapDv", 206, _aged(80, 99, "year")),
    **_numbered("HsapDv", 228, _aged(100, 106, "year")),
    **_numbered("HsapDv", 235, [f"{ordinal} decade stage" for ordinal in ORDINALS]),
    **_numbered("HsapDv", 246, _aged(1, 1, "year")),
    **_numbered("HsapDv", 248, _aged(107, 114, "year")),
    **_numbered("HsapDv", 260, ["nursing stage (0-11 months)"]),
    **_numbered("HsapDv", 265, ["child stage (1-4 yo)"]),
    **_numbered("HsapDv", 268, ["15-19 year-old"]),
    **_numbered("HsapDv", 270, ["2-4 year-old child stage", "juvenile stage (5-14 yo)"]),
    **_numbered("HsapDv", 272, ["60-79 year-old stage", "1-month-old stage", "90 year-old and over stage"]),
    **_numbered("MmusDv", 2, _prenatal(28)),
    **_numbered("MmusDv", 31, _prenatal(5)),
    **_numbered("MmusDv", 42, _prenatal(1)),
    **_numbered("MmusDv", 44, ["1-7 days", *_aged(1, 15, "week")]),
    **_numbered("MmusDv", 62, [*_aged(2, 4, "month"), *_aged(16, 19, "week"), *_aged(5, 5, "month")]),
    **_numbered("MmusDv", 70, _aged(20, 24, "week")),
    **_numbered("MmusDv", 77, [*_aged(6, 19, "month"), "20-month-old stage and over"]),
    **_numbered("MmusDv", 93, _prenatal(3)),
    **_numbered("MmusDv", 98, _aged(25, 29, "week")),
    **_numbered("MmusDv", 103, _prenatal(7)),
    **_numbered("MmusDv", 111, _prenatal(1)),
    **_numbered("MmusDv", 113, ["4-7 days", *_aged(4, 13, "day"), *_aged(20, 29, "month")]),
    **_numbered("MmusDv", 137, ["3-6 month-old mature stage"]),
    **_numbered(
        "MmusDv", 139, ["4-6 days", *_aged(1, 2, "week"), *_aged(21, 27, "day"), *_aged(4, 7, "week")]
    ),
    **_numbered("MmusDv", 154, [*_aged(8, 29, "week"), *_aged(30, 30, "month")]),
}
