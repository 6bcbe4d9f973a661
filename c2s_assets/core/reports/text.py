"""Text of a source, shown as the text that it is: one function for each place where letters can mean more.

A cell type, a column or a title can hold anything: formulas of a picture, links and images of Markdown,
commands to a terminal, formulas of a spreadsheet. Tables and JSON keep it as it is; whatever shows it goes
through here.
"""

import html
import re
from collections.abc import Sequence

import polars as pl

# Begins a line of a terminal anew.
ERASE_LINE = "\r\x1b[K"

# Characters that are not seen and change what is: of control; that turn the direction of writing; that end a
# line; that are no characters at all (halves of pairs, tags). Joiners stay: Persian and emoji are written
# with them.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_BY_LINE = re.compile(f"(?!\n){_UNSEEN.pattern}")

# GFM makes links of words such as these, however their letters are escaped; in code it does not. Looked for
# from the beginning of a word only: from each of its letters on, a word of 60,000 took 80 s.
_LINKED = r"(?i:(?<![^\s|])(?P<linked>[^\s|]*?(?:://|www\.|@)[^\s|]*))"
_AT_START = r"(?m:^(?P<start>[ \t]*(?:\d{1,9}(?=[.)](?:\s|$))|(?=>|:-|-[-:]|==|##|[-+=#](?:\s|$)))))"
_MARKED = r"(?P<marked>[\\`*\[\]|~]|<(?=[A-Za-z/!?])|&(?=[#\w])|(?<![^\W_])_|_(?![^\W_]))"
_TO_MARKDOWN = re.compile(f"{_LINKED}|{_AT_START}|{_MARKED}")
_FROM_MARKDOWN = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)|\\([!-/:-@\[-`{-~])")

# What spreadsheets take for the beginning of a formula, also as East Asian keyboards write it.
_FORMULA = "(?s)^[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]."
_NUMBER = r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?$"


def one_line(text: str, *, longest: int | None = None) -> str:
    r"""Write what cannot be seen as its escape, such as ``\n`` or ``\u202e``; cut what is longer."""
    if longest is None:
        return _UNSEEN.sub(_escape, text)
    shown = _UNSEEN.sub(_escape, text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def terminal_text(text: str) -> str:
    """Write lines for a terminal, to which no letter is a command."""
    return _LINE_BY_LINE.sub(_escape, text)


def plot_text(text: str, *, longest: int) -> str:
    """Write a label of matplotlib, for which a pair of dollar signs would be a formula."""
    return one_line(text, longest=longest).replace("$", r"\$")


def html_text(text: str, *, longest: int) -> str:
    """Write HTML that shows a text, also as the value of an attribute; cut what is longer."""
    return html.escape(one_line(text, longest=longest))


def as_markdown(text: str) -> str:
    """Write Markdown that shows a text, also in a cell of a table; `from_markdown` gives it back.

    Words that would become links stand as code. What follows is GitHub's flavour of Markdown, as the
    Dagster UI reads it in descriptions and in Markdown metadata.
    """
    return _TO_MARKDOWN.sub(_harmless, terminal_text(text))


def as_code(name: str) -> str:
    """Write Markdown that shows a name as code, also in a cell of a table."""
    return _code(one_line(name)).replace("|", r"\|")


def from_markdown(text: str) -> str:
    """Give back the text that `as_markdown` wrote."""
    return _FROM_MARKDOWN.sub(lambda found: found[3] or _content(found[2]), text)


def csv_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would compute; numbers stay numbers."""
    # Not by pl.col, to which a name such as ^a$ is a pattern.
    return rows.with_columns(_no_formulas(column) for column in rows if column.dtype == pl.String)


def csv_header(names: Sequence[str]) -> pl.DataFrame:
    """Write the names of columns as a row, without formulas; then two may have the same."""
    return csv_rows(pl.DataFrame({f"{position}": [name] for position, name in enumerate(names)}))


def _no_formulas(texts: pl.Series) -> pl.Series:
    is_formula = texts.str.contains(_FORMULA) & ~texts.str.contains(_NUMBER)
    return ("'" + texts).zip_with(is_formula.fill_null(False), texts).alias(texts.name)


def _harmless(found: re.Match[str]) -> str:
    if found["linked"] is not None:
        return _code(found["linked"])
    return f"\\{found['marked']}" if found["start"] is None else f"{found['start']}\\"


def _code(text: str) -> str:
    """Write a word as code, between more backticks than it has in a row itself."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _content(code: str) -> str:
    return code[1:-1] if code.startswith(" ") and code.endswith(" ") else code


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
