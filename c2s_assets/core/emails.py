"""E-mail addresses in texts: no person's address gets into a table."""

import re

# Lengths are bounded so that a long word costs no more than its letters; 64 and 63 are those of RFC 5321.
_AT = r"(?:@|\s?[\[(]\s?at\s?[\])]\s?)"
_DOT = r"(?:\.|\s?[\[(]\s?dot\s?[\])]\s?)"
_EMAIL = re.compile(rf"(?:mailto:)?[\w.%+-]{{1,64}}{_AT}[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}})+", re.IGNORECASE)

REMOVED = "[e-mail address removed]"


def without_emails(text: str) -> str:
    """Replace every e-mail address in a text by a note that there was one; "me (at) host.org" is one too."""
    return _EMAIL.sub(REMOVED, text)
