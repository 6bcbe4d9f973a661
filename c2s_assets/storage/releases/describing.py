"""The texts of a staged release, written from nothing but its files."""

from collections.abc import Iterable
from pathlib import Path

from c2s_assets.core.releases.card import write_card
from c2s_assets.core.releases.croissant import CROISSANT, write_croissant
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.licences import licence_problems
from c2s_assets.core.releases.sources import Source
from c2s_assets.storage.releases.facts import read_facts


def describe(folder: Path, name: str, entry: ReleaseEntry) -> dict[str, str]:
    """Write what a corpus says of itself, from nothing but its files: card, pictures, croissant.json."""
    facts = read_facts(folder)
    return {**write_card(name, entry, facts), CROISSANT: write_croissant(name, entry, facts)}


def write_description(folder: Path, name: str, entry: ReleaseEntry) -> None:
    """Put the texts of a release beside its files."""
    for path, text in describe(folder, name, entry).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def problems_of_licences(entry: ReleaseEntry, sources: Iterable[Source]) -> list[str]:
    """List what keeps a release of these sources from being published under its licence."""
    return licence_problems(entry.licence, {source.dataset_id: source.licence for source in sources})
