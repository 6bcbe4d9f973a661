"""What every section of `datasets.yaml` has in common."""

from pydantic import BaseModel, ConfigDict, model_validator


def nothing_if_none(value: object) -> object:
    """Take what stands behind a key without a value for a section without keys."""
    return {} if value is None else value


def listed(value: object) -> object:
    """Take one text for a list of it, `tissue: blood`; spaces around a text are none of it."""
    if isinstance(value, dict):
        return value
    values = [] if value is None else value if isinstance(value, list) else [value]
    return [one.strip() if isinstance(one, str) else one for one in values]


class Section(BaseModel):
    """A section, or an entry: it may be empty, and knows all its keys and their types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    _may_be_empty = model_validator(mode="before")(nothing_if_none)
