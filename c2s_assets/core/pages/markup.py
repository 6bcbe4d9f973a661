"""HTML, made of parts in which all text is shown as the text that it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from c2s_assets.core.reports.text import html_text

_LONGEST = 2_000

# Whoever serves or opens a page lets it do no more than this: no script, nothing from elsewhere.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0 }
h2 { font-size: 1.15rem; margin-top: 2.2rem }
table { border-collapse: collapse; margin: .5rem 0 }
td, th { padding: .15rem .9rem .15rem 0; text-align: left; vertical-align: top; overflow-wrap: break-word }
th { font-weight: 600; border-bottom: 1px solid #bbb }
td.n, th.n { text-align: right; white-space: nowrap }
pre { background: #f4f4f4; padding: .7rem; overflow-x: auto }
figure { display: inline-block; margin: 0 1.5rem 1.5rem 0; vertical-align: top }
figcaption { font-weight: 600 }
svg { max-width: 100%; height: auto }
svg text { font: 12px system-ui, sans-serif; fill: #1c1c1c }
.ok { color: #00614a }
.warn { color: #8a5a00 }
.bad { color: #a32b00 }
.grey { color: #666 }
"""


def page(name: str, parts: Iterable[str]) -> str:
    """Put a page together; the parts are HTML."""
    return (
        "<!doctype html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{text(name)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def text(words: object) -> str:
    """Show a text; a very long one is cut."""
    return html_text(str(words), longest=_LONGEST)


def title(words: str) -> str:
    """Write the heading of a page."""
    return f"<h1>{text(words)}</h1>"


def heading(words: str) -> str:
    """Write a heading of a section."""
    return f"<h2>{text(words)}</h2>"


def paragraph(words: str, *, style: str = "") -> str:
    """Write a paragraph."""
    return f"<p{_class(style)}>{text(words)}</p>"


def code(words: str) -> str:
    """Write lines of code."""
    return "<pre>" + "\n".join(text(line) for line in words.splitlines()) + "</pre>"


@dataclass(frozen=True)
class PageLink:
    """A link to a page of the same server, for a cell of a table."""

    words: str
    address: str

    def __str__(self) -> str:
        """Write it as HTML."""
        return f'<a href="{text(self.address)}">{text(self.words)}</a>'


def facts(known: Mapping[str, str | None]) -> str:
    """Write a table of names and values; what is not known is left out."""
    rows = (f"<tr><td>{text(name)}</td><td>{text(value)}</td></tr>" for name, value in known.items() if value)
    return f"<table>{''.join(rows)}</table>"


def table(names: Sequence[str], rows: Iterable[Sequence[object]], *, styles: Iterable[str] = ()) -> str:
    """Write a table: numbers stand right, with commas; what is None is left empty.

    Parameters
    ----------
    styles
        Of each row.
    """
    body = list(rows)
    of_rows = list(styles) or [""] * len(body)
    kinds = [_kind([row[position] for row in body]) for position in range(len(names))]
    head = "".join(f"<th{_class(kind)}>{text(name)}</th>" for name, kind in zip(names, kinds, strict=True))
    lines = [f"<tr{_class(style)}>{_cells(row)}</tr>" for row, style in zip(body, of_rows, strict=True)]
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def figure(caption: str, drawing: str) -> str:
    """Put a caption above a drawing, which is SVG."""
    return f"<figure><figcaption>{text(caption)}</figcaption>{drawing}</figure>"


def _cells(row: Sequence[object]) -> str:
    return "".join(f"<td{_class(_kind([value]))}>{_shown(value)}</td>" for value in row)


def _shown(value: object) -> str:
    if value is None or isinstance(value, PageLink):
        return str(value or "")
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else text(value)


def _kind(values: Sequence[object]) -> str:
    known = [value for value in values if value is not None]
    return "n" if known and all(isinstance(value, int | float) for value in known) else ""


def _class(style: str) -> str:
    return f' class="{style}"' if style else ""
