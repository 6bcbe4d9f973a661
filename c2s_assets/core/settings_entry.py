"""The entry of one dataset, as text for `datasets.yaml`."""

from collections.abc import Mapping

import yaml

from c2s_assets.core.settings import DatasetEntry


def entry_text(dataset_id: str, entry: DatasetEntry, *, comments: Mapping[str, str]) -> str:
    """Write what an entry says, one key in a line, with a comment behind some; empty if it says nothing."""
    said = entry.model_dump(exclude_unset=True, exclude_none=True)
    if not said:
        return ""
    lines = [_line(key, value) for key, value in said.items()]
    width = max(map(len, lines))
    with_comments = [
        f"    {line:<{width}}  # {comments[key]}" if key in comments else f"    {line}"
        for key, line in zip(said, lines, strict=True)
    ]
    return "\n".join(["datasets:", f"  {_line(dataset_id, None)}", *with_comments])


def _line(key: str, value: object) -> str:
    """Write a key with its value; without one, only the key."""
    return f"{_text(key)}:" if value is None else f"{_text(key)}: {_text(value)}"


def _text(value: object) -> str:
    """Write a value in one line, in quotes where YAML would take it for something else."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=2**31)
    return text.removesuffix("\n").removesuffix("\n...")
