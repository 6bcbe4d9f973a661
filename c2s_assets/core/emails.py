"""E-mail addresses in texts: no person's address gets into a table."""

import re

# Lengths are bounded so that a long word costs no more than its letters; 64 and 63 are those of RFC 5321.
_AT = r"(?:[@＠﹫]|\s?[\[({<]\s?at\s?[\])}>]\s?)"  # noqa: RUF001
_DOT = r"(?:\.|\s?[\[(]\s?dot\s?[\])]\s?)"
_EMAIL = re.compile(rf"(?:mailto:)?[\w.%+-]{{1,64}}{_AT}[\w-]{{1,63}}(?:{_DOT}[\w-]{{1,63}})+", re.IGNORECASE)
# Written out, "ada at uni.edu": what stands in front is no word that says where something is to be found, and
# no path follows, as behind an address of the web.
_OF_PLACES = (
    r"\w+(?:ed|able|ible|ing|line)|(?:meta)?data|(?:data)?sets?|code|found|more|here|us|is|are|it|be|look|visit|"
    r"files?|tables?|figures?|details|information|access|versions?|portal|atlas|browser|archive|repository|"
    r"server|(?:web)?sites?|(?:web)?pages?|projects?|results?|universit\w+|institut\w+|cent(?:er|re)|labs?|"
    r"laborator\w+|consortium|study|cells?|and|or|the"
)
# Without those that are words, such as "it" and "in": behind a full stop may stand the next sentence.
_ENDS = (
    "edu|org|com|net|gov|mil|info|eu|uk|de|fr|ch|ca|au|nz|jp|cn|tw|kr|sg|il|nl|se|dk|fi|es|pt|pl|cz|hu|gr|ie|br|"
    "za|tr"
)
_SPOKEN_DOT = r"(?:\.|\s+dot\s+)"
_SPOKEN = re.compile(
    rf"\b(?!(?:{_OF_PLACES})\s)[a-z][\w.+-]{{1,63}}\s+at\s+(?!www\.)(?:[\w-]{{1,63}}{_SPOKEN_DOT}){{1,4}}"
    rf"(?:{_ENDS})\b(?![/\w-])",
    re.IGNORECASE,
)

REMOVED = "[e-mail address removed]"


def without_emails(text: str) -> str:
    """Replace every e-mail address in a text by a note that there was one.

    "me (at) host.org" is one too, and so is "me at host.org"; "data at host.org" is not.
    """
    return _SPOKEN.sub(REMOVED, _EMAIL.sub(REMOVED, text))
