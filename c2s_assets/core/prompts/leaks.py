"""Whether a question gives its answer away, or names the donor or the publication."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

# What else an answer is called; the labels of CELLxGENE for it come from the cells themselves.
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "normal": ("healthy", "healthy control"),
    "female": ("woman", "women", "girl"),
    "male": ("man", "men", "boy"),
}
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")
_CALLED_DONOR = ("donor", "patient", "subject", "individual", "participant", "sample")
# A donor is called so in no question unless by the id itself; a single letter is in every text.
_SHORTEST_ID = 2

# Words of labels that tell nobody which label it is.
_OF_MANY_LABELS = frozenset(
    _WORD.findall(
        "cell cells tissue tissues organ organs system body part parts region area layer zone structure "
        "disease diseases disorder disorders syndrome infection cancer type types like line lineage group "
        "cluster population positive negative high low left right upper lower inner outer anterior posterior "
        "small large adult mature immature early late primary secondary normal control native human mouse "
        "donor patient subject sample gene genes single surface other unknown the and with without from not "
        "than less year years month months week weeks day days old older young stage age aged"
    )
)
_SHORTEST_PARENT = 3

ANSWER, PARENT, SYNONYM, DONOR, TITLE = "answer", "parent label", "synonym", "donor id", "title"


@dataclass(frozen=True)
class LeakFinder:
    """Finds what must not stand in a question.

    Texts are compared by their words, without case and punctuation: ``T-cells`` is "t cells".

    Attributes
    ----------
    donors
        Ids of all donors of the dataset. One that is a number alone is looked for behind a word for a donor.
    titles
        Of the dataset, its collection and its publication.
    synonyms
        What else each answer is called: ontology ids and labels of the same cells.
    """

    donors: frozenset[str] = frozenset()
    titles: tuple[str, ...] = ()
    synonyms: Mapping[str, Iterable[str]] = field(default_factory=dict)

    def find(self, question: str, answer: str | None) -> str | None:
        """Name what of an answer, the donors or the titles a question holds; None if nothing.

        Parameters
        ----------
        answer
            None where cells are to be written, so that only donors and titles may not be named.
        """
        if (question, answer) not in self._judged:
            self._judged[question, answer] = self._find(question, answer)
        return self._judged[question, answer]

    def _find(self, question: str, answer: str | None) -> str | None:
        words = _words(question)
        text = f" {' '.join(words)} "
        for kind, terms in ({} if answer is None else self._terms_of(answer)).items():
            if any(f" {term} " in text for term in terms):
                return kind
        if not self._donors.isdisjoint(_spans(words, longest=self._longest_donor)):
            return DONOR
        return TITLE if any(f" {title} " in text for title in self._titles) else None

    def _terms_of(self, answer: str) -> dict[str, set[str]]:
        if answer not in self._known:
            self._known[answer] = self._terms(answer)
        return self._known[answer]

    def _terms(self, answer: str) -> dict[str, set[str]]:
        parts = [answer, *re.split(r", | and ", answer)]
        called = [*_SYNONYMS.get(answer.casefold(), ()), *self.synonyms.get(answer, ())]
        return {
            ANSWER: {form for part in parts for form in _forms(part)},
            SYNONYM: {form for name in called for form in _forms(name)},
            PARENT: {form for part in parts for parent in _parents(part) for form in _forms(parent)},
        }

    @cached_property
    def _judged(self) -> dict[tuple[str, str | None], str | None]:
        return {}

    @cached_property
    def _known(self) -> dict[str, dict[str, set[str]]]:
        return {}

    @cached_property
    def _donors(self) -> set[str]:
        found = set()
        for donor in self.donors:
            words = " ".join(_words(donor))
            if _NUMBER.fullmatch(words):
                found |= {f"{called} {words}" for called in _CALLED_DONOR}
            elif len(words) >= _SHORTEST_ID:
                found.add(words)
        return found

    @cached_property
    def _titles(self) -> set[str]:
        return {" ".join(_words(title)) for title in self.titles} - {""}

    @cached_property
    def _longest_donor(self) -> int:
        return max((donor.count(" ") + 1 for donor in self._donors), default=0)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _spans(words: list[str], *, longest: int) -> set[str]:
    """Join every run of at most so many words."""
    return {
        " ".join(words[start:stop])
        for start in range(len(words))
        for stop in range(start + 1, min(start + longest, len(words)) + 1)
    }


def _forms(term: str) -> Iterator[str]:
    """Give a term in singular and plural, as words."""
    words = _words(term)
    if not words:
        return
    *before, last = words
    lasts = {last, f"{last}s", f"{last}es", last.removesuffix("s"), last.removesuffix("es")}
    if last.endswith("y"):
        lasts.add(f"{last[:-1]}ies")
    if last.endswith("ies"):
        lasts.add(f"{last[:-3]}y")
    yield from (" ".join([*before, form]) for form in lasts if form)


def _parents(label: str) -> Iterator[str]:
    """Give the broader labels that a label ends or begins with: of "alpha-beta T cell" also "T cell".

    One word alone is one as well, "neuron" of "pyramidal neuron", unless it says too little, as "cell" does.
    """
    words = _words(label)
    for n_left_out in range(1, len(words)):
        for part in (words[n_left_out:], words[:-n_left_out]):
            if len(part) > 1 or _says_something(part[0]):
                yield " ".join(part)


def _says_something(word: str) -> bool:
    return len(word) >= _SHORTEST_PARENT and not word.isdecimal() and word not in _OF_MANY_LABELS
