"""Markdown, made of parts in which all text of a source is shown as the text that it is."""

from collections.abc import Iterable, Mapping, Sequence

import yaml

from c2s_assets.core.emails import without_emails
from c2s_assets.core.reports.text import as_markdown, one_line


class Markdown(str):
    """What is Markdown already, for a cell of a table."""

    __slots__ = ()


def shown(text: str, *, longest: int = 200) -> str:
    """Show a text of a source on one line, without e-mail addresses; a very long one is cut."""
    return as_markdown(one_line(without_emails(text), longest=longest))


def front_matter(fields: Mapping[str, object]) -> str:
    """Write what a file of Markdown says of itself in YAML, which stands before its text."""
    head = yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True, width=2**31)
    return f"---\n{head}---\n\n"


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table: columns of numbers stand right, with commas; what is None is left empty."""
    body = [list(row) for row in rows]
    marks = ["---:" if _is_number([row[at] for row in body]) else "---" for at in range(len(names))]
    lines = [list(names), marks, *([_cell(value) for value in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(words: str, *, language: str) -> str:
    """Write lines of code; none of them ends the block."""
    return f"```{language}\n{words.replace('```', chr(39) * 3)}\n```"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Markdown):
        return str(value)
    if isinstance(value, str):
        return shown(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def _is_number(values: Iterable[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, int | float) for value in known)
