"""Sources of a release: where each dataset is from, and how whoever uses it cites it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# What BibTeX and LaTeX would read as something else.
_TEX = {
    **{letter: f"\\{letter}" for letter in "#$%&_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": "'",  # of three in a row, Markdown would end the block of code
    "@": r"\char64{}",  # begins an entry to readers that look for no end of the last one
}
_PARTS_OF_KEY = re.compile(r"[^A-Za-z0-9]+")
_WORDS = re.compile(r"\w+")
# Of Discover: a sentence of addresses, without a title that could be another one.
_WITHOUT_TITLE = re.compile(r"Publication: \S+ Dataset Version: ")


@dataclass(frozen=True)
class DoiRecord:
    """What the catalogue knows of the publication with a DOI."""

    title: str | None = None
    journal: str | None = None
    published_year: int | None = None
    authors: Sequence[str] = ()


@dataclass(frozen=True)
class Source:
    """Where a dataset is from and how its sentences are written; None is what nobody knows.

    Attributes
    ----------
    title, licence, citation
        As its owner or its file states them.
    licence_is_assumed
        Whether the licence is what the entry of the release states for all sources that state none.
    record
        Of its DOI.
    layer, values
        The matrix that was ranked, and what its values are: counts or normalised.
    sentences
        What decides the sentences, see core.sentences.SentenceSpec.described.
    """

    dataset_id: str
    title: str | None = None
    organism: str | None = None
    licence: str | None = None
    licence_is_assumed: bool = False
    citation: str | None = None
    doi: str | None = None
    record: DoiRecord = DoiRecord()
    collection_id: str | None = None
    dataset_version_id: str | None = None
    source_url: str | None = None
    source_sha256: str | None = None
    layer: str | None = None
    values: str | None = None
    sentences: Mapping[str, str] | None = None


def cites_another_title(source: Source) -> bool:
    """Whether the citation of a dataset holds a DOI whose record has a title that the citation does not.

    Titles are compared by their words, whatever stands between them. A citation without any title, as
    Discover writes them, holds no other one.
    """
    if source.citation is None or source.doi is None or source.record.title is None:
        return False
    if _WITHOUT_TITLE.match(source.citation) or source.doi.lower() not in source.citation.lower():
        return False
    return _plain(source.record.title) not in _plain(source.citation)


def bibtex(source: Source) -> str:
    """Write the entry by which a source is cited: of its publication, else of the dataset itself."""
    record = source.record
    title = record.title or source.title or source.dataset_id
    fields = {
        "title": f"{{{_tex(title)}}}",
        "author": " and ".join(_tex(author) for author in record.authors),
        "journal": _tex(record.journal or ""),
        "year": str(record.published_year or ""),
        "doi": _tex(source.doi or ""),
        "url": "" if source.doi else _tex(source.source_url or ""),
        "note": _tex(f"Dataset {source.title or source.dataset_id}") if record.title else "",
    }
    kind = "article" if record.journal else "misc"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{kind}{{{_PARTS_OF_KEY.sub('_', source.dataset_id)},", *lines, "}"])


def _plain(text: str) -> str:
    return f" {' '.join(_WORDS.findall(text.casefold()))} "


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in " ".join(text.split()))
