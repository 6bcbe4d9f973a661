from html.parser import HTMLParser

import pytest

from c2s_assets.core.pages.markup import PageLink, code, facts, page, paragraph, table, title

HOSTILE = "<img src=x onerror=alert(1)>\x00\u202e]]> & \"'"
ALLOWED = {"html", "head", "meta", "title", "style", "body", "h1", "p", "pre", "table", "tr", "th", "td", "a"}


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.said += data


def _read(html: str) -> _Seen:
    seen = _Seen()
    seen.feed(html)
    return seen


def test_no_text_of_a_source_is_markup() -> None:
    parts = [
        title(HOSTILE),
        paragraph(HOSTILE),
        facts({HOSTILE: HOSTILE}),
        code(HOSTILE),
        table([HOSTILE], [[HOSTILE], [PageLink(HOSTILE, HOSTILE)]]),
    ]
    seen = _read(page(HOSTILE, parts))
    assert seen.tags <= ALLOWED
    assert "onerror" not in seen.attributes
    assert seen.said.count("<img src=x onerror=alert(1)>\\x00\\u202e]]> & \"'") == 9


def test_a_page_asks_for_nothing_from_elsewhere() -> None:
    html = page("a", [])
    assert "default-src 'none'" in html.replace("&#x27;", "'")
    assert {"src", "href"}.isdisjoint(_read(html).attributes)


@pytest.mark.parametrize(
    ("value", "shown"), [(1234567, ">1,234,567<"), (None, "><"), (True, ">True<"), (2.5, ">2.5<")], ids=str
)
def test_a_value_is_shown(value: object, shown: str) -> None:
    assert shown in table(["n"], [[value]])


def test_a_very_long_text_is_cut() -> None:
    assert len(paragraph("x" * 100_000)) < 2_100
