"""The page of a repository, as a browser shows it: its card and its files."""

from collections.abc import Mapping
from html import escape

from markdown_it import MarkdownIt

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<base href="/datasets/{name}/resolve/main/">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; margin: 1rem 0; }}
th, td {{ border: 1px solid #ddd; padding: .3rem .6rem; text-align: left; }}
pre {{ background: #f6f6f6; padding: .8rem; overflow-x: auto; }}
img {{ max-width: 100%; }}
</style></head><body>
{text}
<h2>Files</h2>
<table><tr><th>file</th><th>bytes</th></tr>{files}</table>
<details><summary>What the card tells the Hub</summary><pre>{head}</pre></details>
</body></html>
"""


def card_page(name: str, card: str, *, files: Mapping[str, int]) -> str:
    """Render a card, with the files beside it; HTML in it is shown as the text that it is."""
    _, head, text = card.split("---\n", 2)
    return _PAGE.format(
        name=escape(name),
        text=MarkdownIt("commonmark", {"html": False}).enable("table").render(text),
        files="".join(
            f'<tr><td><a href="{escape(path)}">{escape(path)}</a></td><td>{size:,}</td></tr>'
            for path, size in files.items()
        ),
        head=escape(head),
    )
