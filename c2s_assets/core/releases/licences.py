"""Licences of data: what they demand of whoever publishes what is made of it, and which do not mix."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

# What a licence can demand: to name the authors; to publish under the same licence; to use it for no profit;
# to publish nothing that was made of it.
BY, SA, NC, ND = "by", "sa", "nc", "nd"

# Those of the Hub (docs/hub/repositories-licenses) that are given to data or were given to its files.
_ON_THE_HUB = frozenset(
    {
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nd-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "odc-by",
        "odbl",
        "pddl",
        "mit",
        "apache-2.0",
        "bsd-3-clause",
    }
)
# Of licences that do not say it in their names.
_DEMANDS = {
    **dict.fromkeys(("cc0-1.0", "cc0", "pddl", "pddl-1.0"), frozenset[str]()),
    **dict.fromkeys(("mit", "apache-2.0", "bsd-3-clause", "odc-by", "odc-by-1.0"), frozenset({BY})),
    **dict.fromkeys(("odbl", "odbl-1.0"), frozenset({BY, SA})),
}
_SPELLINGS = (
    (r"https?://(www\.)?creativecommons\.org/publicdomain/zero/", "cc0-"),
    (r"https?://(www\.)?creativecommons\.org/licenses/", "cc-"),
    (r"\bcreative commons\b", "cc"),
    (r"\battribution\b", BY),
    (r"\bnon-? ?commercial\b", NC),
    (r"\bno-? ?deriv(ative)?s?(works)?\b", ND),
    (r"\bshare-? ?alike\b", SA),
    (r"\b(the|license|licence|international|unported|public domain|deed|legalcode|version)\b", " "),
    (r"[^a-z0-9.]+", "-"),
)
_CREATIVE_COMMONS = re.compile(r"cc-by((?:-(?:nc|nd|sa))*)(?:-(\d\.\d))?")


@dataclass(frozen=True)
class Licence:
    """A licence as it was stated, and what is known of it.

    Attributes
    ----------
    key
        The same for all spellings of a licence: ``cc-by-4.0``.
    demands
        None where the licence is not one that we know.
    """

    stated: str
    key: str
    demands: frozenset[str] | None

    @property
    def on_the_hub(self) -> dict[str, str]:
        """What the YAML of a card says of it; one that the Hub has no name for is ``other``."""
        if self.key in _ON_THE_HUB:
            return {"license": self.key}
        return {"license": "other", "license_name": self.key or "other"}

    @property
    def address(self) -> str | None:
        """Where its text is, of those of Creative Commons with a version."""
        if self.key == "cc0-1.0":
            return "https://creativecommons.org/publicdomain/zero/1.0/"
        found = _CREATIVE_COMMONS.fullmatch(self.key)
        if found is None or found[2] is None:
            return None
        return f"https://creativecommons.org/licenses/by{found[1]}/{found[2]}/"


def read_licence(stated: str) -> Licence:
    """Recognise a licence by its name, in whatever spelling, or by the address of its text."""
    key = stated.strip().lower()
    for pattern, name in _SPELLINGS:
        key = re.sub(pattern, name, key)
    key = key.strip("-.")
    if (found := _CREATIVE_COMMONS.fullmatch(key)) is None:
        return Licence(stated, key, _DEMANDS.get(key))
    further = sorted(part for part in found[1].split("-") if part)
    return Licence(
        stated, "-".join(["cc", BY, *further, *filter(None, [found[2]])]), frozenset({BY, *further})
    )


def licence_problems(whole: str | None, sources: Mapping[str, str | None]) -> list[str]:
    """List what keeps a release of these sources from being published under a licence.

    What cannot be told is no problem: terms of a licence that we do not know, which somebody has to read.

    Parameters
    ----------
    whole
        Licence of the release; None if it has none.
    sources
        Licence by dataset; None where none is known.
    """
    unknown = [dataset_id for dataset_id, stated in sources.items() if stated is None]
    problems = []
    if unknown:
        problems.append(
            f"nobody knows the licence of {_named(unknown)}. Find it, and state it in datasets.yaml: "
            f"datasets: {{{unknown[0]}: {{licence: CC BY 4.0}}}}, or for all that say nothing, in the entry "
            f"of the release: licence_of_sources: CC BY 4.0"
        )
    of_licences: dict[str, tuple[Licence, list[str]]] = {}
    for dataset_id, stated in sources.items():
        if stated is not None:
            licence = read_licence(stated)
            of_licences.setdefault(licence.key, (licence, []))[1].append(dataset_id)
    released = None if whole is None else read_licence(whole)
    for licence, ids in of_licences.values():
        problems += _broken_terms(licence, _named(ids), released)
    shared_alike = [licence.stated for licence, _ in of_licences.values() if SA in (licence.demands or ())]
    if len(shared_alike) > 1:
        problems.append(
            f"each of {' and '.join(shared_alike)} demands to be the licence of the whole: part the release "
            f"by licence"
        )
    return problems


def describe_licence(stated: str | None, *, is_assumed: bool) -> str:
    """Say under which licence a source is, and whether that is what the entry of the release states of it."""
    if stated is None:
        return "not stated"
    return f"{stated} (as whoever published this states)" if is_assumed else stated


def unread_licences(stated: Iterable[str | None]) -> list[str]:
    """Name the licences whose terms we do not know, as they were stated."""
    known = [read_licence(name) for name in stated if name is not None]
    return sorted({licence.stated for licence in known if licence.demands is None})


def _broken_terms(licence: Licence, whose: str, whole: Licence | None) -> Iterator[str]:
    """Tell which terms of a licence a release would break; of terms that we do not know, none."""
    demands = licence.demands or frozenset()
    if ND in demands:
        yield (
            f"{licence.stated} of {whose} lets nobody publish what was made of the data, as sentences are: "
            f"leave it out, or ask its authors and state what they allow"
        )
        return
    if whole is None or whole.demands is None or whole.key == licence.key:
        return
    if SA in demands:
        yield f"{licence.stated} of {whose} demands that the whole is under it too, and not {whole.stated}"
    elif NC in demands and NC not in whole.demands:
        yield f"{licence.stated} of {whose} forbids commercial use, which {whole.stated} of the whole allows"
    elif BY in demands and BY not in whole.demands:
        yield f"{licence.stated} of {whose} demands to name its authors, and {whole.stated} does not"


def _named(ids: list[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{len(ids):,} datasets, such as {ids[0]}"
