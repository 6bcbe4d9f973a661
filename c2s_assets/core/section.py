"""What every section of `datasets.yaml` has in common."""

from pydantic import BaseModel, ConfigDict, model_validator


def nothing_if_none(value: object) -> object:
    """Take what stands behind a key without a value for a section without keys."""
    return {} if value is None else value


class Section(BaseModel):
    """A section, or an entry: it may be empty, and knows all its keys and their types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    _may_be_empty = model_validator(mode="before")(nothing_if_none)
