"""What a file says about itself and where it came from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from c2s_assets.core.cells.organisms import organism_name
from c2s_assets.core.emails import without_emails

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>]+")
_COLLECTION = re.compile(r"/collections/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")

# Titles, citations and licences of Discover have up to 700 characters.
_LONGEST_TEXT = 10_000


@dataclass(frozen=True)
class Origin:
    """What is known of a dataset's publication; a field is None where it is not known."""

    title: str | None = None
    citation: str | None = None
    licence: str | None = None
    collection_id: str | None = None
    publication_doi: str | None = None


@dataclass(frozen=True)
class Publication:
    """What the rows of all sides say of their publication; without e-mail addresses."""

    collection_id: str | None = None
    title: str | None = None
    doi: str | None = None
    description: str | None = None


def publication_of(origin: Origin, *, listed: Publication | None = None) -> Publication:
    """Say what is known of a publication: what Discover lists and, of the rest, what the file says."""
    listed = listed or Publication()
    return Publication(
        collection_id=listed.collection_id or origin.collection_id,
        title=_without_emails(listed.title or origin.title),
        doi=listed.doi or origin.publication_doi,
        description=_without_emails(listed.description),
    )


def read_origin(uns: Mapping[str, object]) -> Origin:
    """Collect what `uns` says of the publication.

    CELLxGENE writes a sentence into ``uns["citation"]`` that holds the publication's DOI and the
    address of its collection.
    """
    citation = _text(uns.get("citation"))
    return Origin(
        title=_text(uns.get("title")),
        citation=citation,
        licence=_text(uns.get("licence")) or _text(uns.get("license")),
        collection_id=collection_in(citation),
        publication_doi=doi_in(citation),
    )


def stated_first(origin: Origin, *, title: str | None, citation: str | None, licence: str | None) -> Origin:
    """Put what a file's owner states before what the file says.

    A citation brings the collection and the DOI that it names; one that names none leaves those of the file.
    """
    return Origin(
        title=title or origin.title,
        citation=citation or origin.citation,
        licence=licence or origin.licence,
        collection_id=collection_in(citation) or origin.collection_id,
        publication_doi=doi_in(citation) or origin.publication_doi,
    )


def collection_in(citation: str | None) -> str | None:
    """Find the id of the collection of Discover that a citation names."""
    found = _COLLECTION.search(citation or "")
    return found.group(1) if found else None


def doi_in(citation: str | None) -> str | None:
    """Find the DOI that a citation names."""
    found = _DOI.search(citation or "")
    return found.group(0).rstrip(".,;)") if found else None


def read_organism(uns: Mapping[str, object]) -> str | None:
    """Read the organism that `uns` states for all cells: by label, by taxon, or as species."""
    stated = (_text(uns.get(key)) for key in ("organism", "organism_ontology_term_id", "species"))
    named = (organism_name(text) for text in stated if text is not None)
    return next((name for name in named if name is not None), None)


def _without_emails(text: str | None) -> str | None:
    return text and without_emails(text)


def _text(value: object) -> str | None:
    """Take a text for what it says, unless it is so long that it says something else: it is in every row."""
    return value.strip() or None if isinstance(value, str) and len(value) <= _LONGEST_TEXT else None
