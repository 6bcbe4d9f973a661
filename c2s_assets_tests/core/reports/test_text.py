import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from c2s_assets.core.reports.text import (
    as_markdown,
    csv_header,
    csv_rows,
    from_markdown,
    one_line,
    plot_text,
    terminal_text,
)

# Letters that mean something somewhere come often.
TEXTS = st.text(
    st.one_of(st.sampled_from("`\\*_[](){}<>#|~&!$^+-=.:/@ \n\t'\"wht1a\x00\x1b\u202e"), st.characters())
)
# Another reader of Markdown than the UI's, which reads the same flavour but for links without brackets.
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@pytest.mark.parametrize(
    "text",
    [
        "![](http://127.0.0.1:8000/seen.png)",
        "<img src=http://127.0.0.1:8000/seen.png>",
        "[l](javascript:alert(1))",
        "![x][y]\n\n[y]: http://127.0.0.1:8000/seen.png",
        "http://127.0.0.1:8000/ www.example.org zoe@example.org",
        "`code` ``two``",
        "a | b\n--|--\n1 | 2",
        "- one\n  1. two\n# three\n> four\n===",
        "*a* _b_ __c__ ~~d~~ &lt; &#33;",
    ],
)
def test_what_looks_like_markdown_is_shown_as_it_is(text: str) -> None:
    assert _seen(as_markdown(text)) == _squeezed(text)


@given(TEXTS)
def test_markdown_shows_the_text_and_nothing_else(text: str) -> None:
    assert _seen(as_markdown(text)) == _squeezed(terminal_text(text))


@given(TEXTS)
def test_a_cell_of_a_table_shows_the_text_and_stays_one_cell(text: str) -> None:
    cell = as_markdown(one_line(text))
    assert _seen(f"| {cell} | last |\n| --- | --- |\n| {cell} | last |") == _squeezed(
        f"{one_line(text)} last {one_line(text)} last"
    )


@given(TEXTS)
def test_markdown_gives_the_text_back(text: str) -> None:
    assert from_markdown(as_markdown(text)) == terminal_text(text)


@given(TEXTS, st.sampled_from(["http://a.org/x", "HTTPS://a.org", "www.a.org", "zoe@a.org"]))
def test_what_would_become_a_link_by_itself_stands_in_code(text: str, link: str) -> None:
    """Guards against GFM, which makes links of words in what it has read as text already."""
    outside = re.sub(r"(`+)(.+?)(?<!`)\1(?!`)|\\.", "", as_markdown(f"{text}{link}"), flags=re.DOTALL)
    assert not re.search(r"://|www\.|@", outside, re.IGNORECASE)


@given(TEXTS)
def test_nothing_that_is_not_seen_reaches_a_terminal(text: str) -> None:
    shown = terminal_text(text)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    assert shown.count("\n") == text.count("\n")
    assert "\n" not in one_line(text)


def test_escapes_say_what_was_there() -> None:
    assert terminal_text("\x1b[31mred\x00 a\u202eb\r\n") == r"\x1b[31mred\x00 a\u202eb\r" + "\n"
    assert one_line("a\nb\tc") == r"a\nb\tc"


def test_scripts_that_need_joiners_keep_them() -> None:
    for text in ("می‌خواهم", "👩‍🔬", "血液", "שלום", "Ångström β-cell"):
        assert terminal_text(text) == text


def test_a_long_text_is_cut_after_it_was_escaped() -> None:
    assert one_line("\x00" * 10_000, longest=10) == r"\x00\x00\…"
    assert one_line("x" * 10, longest=10) == "x" * 10
    assert one_line("x" * 11, longest=10) == f"{'x' * 9}…"


@pytest.mark.parametrize("text", ["$x$", "a$ $b", r"\$x$", "$", "$$", r"$\frac{1}$"])
def test_dollar_signs_are_no_formula_of_a_picture(text: str) -> None:
    from matplotlib.text import Text

    assert Text(text=plot_text(text, longest=50))._preprocess_math(plot_text(text, longest=50)) == (
        text,
        False,
    )


@pytest.mark.parametrize("letters", ["x", "`", "`a", "_", "1", "www", "://", "a|", "a ", "<a", "\\"])
def test_a_word_costs_no_more_than_its_letters(letters: str) -> None:
    """Looked for from each letter on, links of one word take days; an attribute may have 64,000 letters."""
    text = letters * 200_000
    assert from_markdown(as_markdown(text)) == text


def test_formulas_of_a_spreadsheet_get_an_apostrophe_and_numbers_none() -> None:
    rows = pl.DataFrame(
        {
            "text": ["=1+1", "+cmd|' /C calc'!A0", "-1-2", "@SUM(A1)", "\t=1", "\uff1d1", "a=1", "", None],
            "number": ["-5", "+3.5e-4", "-.5", "-1,5", "-", "+", "1", "0", "-0"],
            "value": range(-4, 5),
        }
    )
    shown = csv_rows(rows)
    assert shown["text"].to_list() == [
        *("'=1+1", "'+cmd|' /C calc'!A0", "'-1-2", "'@SUM(A1)", "'\t=1", "'\uff1d1", "a=1", "", None)
    ]
    assert shown["number"].to_list() == rows["number"].to_list()
    assert shown["value"].to_list() == rows["value"].to_list()
    assert csv_header(["=a", "'=a", "b"]).row(0) == ("'=a", "'=a", "b")


def _seen(markdown: str) -> str:
    """Return what a reader sees, and fail if there is anything but text in it."""
    pieces: list[str] = []
    for token in READER.parse(markdown):
        if token.type == "inline":
            for part in token.children or []:
                assert part.type in ("text", "code_inline", "softbreak", "hardbreak", "text_special"), (
                    part.type
                )
                pieces.append(part.content or " ")
            pieces.append(" ")
        else:
            assert token.type.startswith(("paragraph", "table", "thead", "tbody", "tr_", "th_", "td_")), (
                token.type
            )
    return _squeezed("".join(pieces))


def _squeezed(text: str) -> str:
    return " ".join(text.split())
