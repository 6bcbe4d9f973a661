"""Several labels in one field, as CELLxGENE writes them: ``COVID-19 || type 2 diabetes mellitus``."""

import polars as pl

_BETWEEN = "||"
_LIST = "_list"

# The fields in which the schema of CELLxGENE lets several stand: diseases since 5.3, ethnicities since 5.2.
JOINED_LABELS = (
    "disease",
    "disease_ontology_term_id",
    "self_reported_ethnicity",
    "self_reported_ethnicity_ontology_term_id",
)
MEMBER_LISTS = {name: name + _LIST for name in JOINED_LABELS}


def members(label: str) -> list[str]:
    """Take a field apart into its labels, each once, in their order; one label alone is the only one."""
    found = (part.strip() for part in label.split(_BETWEEN))
    return list(dict.fromkeys(part for part in found if part))


def member_lists(labels: pl.Series) -> pl.Series:
    """Take every field apart; null where it is missing or holds no label."""
    texts = labels.cast(pl.String).alias("label")
    distinct = texts.unique().drop_nulls()
    lists = pl.Series("members", [members(text) or None for text in distinct], pl.List(pl.String))
    parts = pl.DataFrame([distinct, lists])
    return texts.to_frame().join(parts, on="label", how="left", maintain_order="left")["members"]


def with_member_lists(cells: pl.DataFrame) -> pl.DataFrame:
    """Put the list of its labels behind the columns for each of `JOINED_LABELS` that there is."""
    return cells.with_columns(
        member_lists(cells[name]).alias(own) for name, own in MEMBER_LISTS.items() if name in cells.columns
    )
