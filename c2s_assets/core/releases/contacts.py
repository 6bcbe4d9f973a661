"""Whom to contact about data: no table that is published says it.

What is looked for is what is called so: a name that stands in a column of another name is a word like others.
"""

import json
import re
from itertools import chain

from c2s_assets.core.emails import REMOVED, without_emails

_DECODER = json.JSONDecoder()
_ROLE = r"(?:contact(?:[ _.-]?(?:name|person|author|e?mail))?|corresponding[ _.-]?author|e[ _.-]?mail)"
_NAME = re.compile(rf"(?:.*[^a-z])?{_ROLE}s?", re.IGNORECASE)
# A key of JSON, before a text, a list or an object.
_KEY = re.compile(rf'"(?P<said>(?:[^"]{{0,80}}[^a-z"])?{_ROLE}s?)"\s*:\s*(?=["\[{{])', re.IGNORECASE)
# A label with a name behind it.
_LABEL = re.compile(rf"\b(?P<said>(?i:{_ROLE})s?)\s*:\s*[^\W\d_]")
# Without a colon a name is two words that begin in capitals, as no others do in the middle of a sentence.
_NAMED = re.compile(
    r"\b(?P<said>(?i:corresponding[ _.-]?authors?|please\s+contact))(?:\s+(?:is|are|was|were))?[\s,(–-]+"  # noqa: RUF001
    r"(?:(?:Dr|Prof|Professor)\.?\s+)*[^\W\d_a-z][\w.'-]*\s+(?:[^\W\d_a-z]\.?\s+)?[^\W\d_a-z][\w'-]+"
)

# What a text has to match to be worth a closer look, in the words that Polars knows.
WORTH_A_LOOK = r"(?i)[@＠﹫]|\bat\b|contact|corresponding|mail"  # noqa: RUF001


def is_of_contacts(name: str) -> bool:
    """Whether a column, by its name, says whom to contact: ``publication_contact_name``."""
    return _NAME.fullmatch(name) is not None


def find_contact(text: str) -> str | None:
    """Say how a text says whom to contact, without repeating it; None if it does not."""
    if (said := without_emails(text)) != text:
        place = said.index(REMOVED)
        return f"an e-mail address, in {said[max(place - 40, 0) : place + 60]!r}"
    keys = (found for found in _KEY.finditer(text) if _says_something(text, found.end()))
    labels = (found for pattern in (_LABEL, _NAMED) if (found := pattern.search(text)) is not None)
    found = next(chain(keys, labels), None)
    return None if found is None else f"whom to contact, behind {found['said']!r}"


def _says_something(text: str, start: int) -> bool:
    """Whether the JSON that begins at a place of a text holds a text that is not empty."""
    try:
        left = [_DECODER.raw_decode(text, start)[0]]
    except (ValueError, RecursionError):
        return False
    while left:
        match left.pop():
            case str(value) if value.strip():
                return True
            case list(values):
                left += values
            case dict(values):
                left += values.values()
    return False
