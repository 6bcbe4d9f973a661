"""Whom to contact about data: no table that is published says it.

What is looked for is what is called so: a name that stands in a column of another name is a word like others.
"""

import re

from c2s_assets.core.emails import REMOVED, without_emails

_ROLE = r"(?:contact(?:[ _.-]?(?:name|person|author|e?mail))?|corresponding[ _.-]?author|e[ _.-]?mail)"
_NAME = re.compile(rf"(?:.*[^a-z])?{_ROLE}s?", re.IGNORECASE)
# A key of JSON that has a text, or a label with a name behind it.
_KEY = re.compile(rf'"(?P<said>(?:[^"]{{0,80}}[^a-z"])?{_ROLE}s?)"\s*:\s*"[^"]', re.IGNORECASE)
_LABEL = re.compile(rf"\b(?P<said>(?i:{_ROLE})s?)\s*:\s*[^\W\d_]")

# What a text has to match to be worth a closer look, in the words that Polars knows.
WORTH_A_LOOK = r"(?i)@|[\[(]\s?at\s?[\])]|contact|corresponding|mail"


def is_of_contacts(name: str) -> bool:
    """Whether a column, by its name, says whom to contact: ``publication_contact_name``."""
    return _NAME.fullmatch(name) is not None


def find_contact(text: str) -> str | None:
    """Say how a text says whom to contact, without repeating it; None if it does not."""
    if (said := without_emails(text)) != text:
        place = said.index(REMOVED)
        return f"an e-mail address, in {said[max(place - 40, 0) : place + 60]!r}"
    for pattern in (_KEY, _LABEL):
        if (found := pattern.search(text)) is not None:
            return f"whom to contact, behind {found['said']!r}"
    return None
