"""The texts of a staged release, written from nothing but its files."""

from pathlib import Path

from c2s_assets.core.releases.atlas_card import write_atlas_card
from c2s_assets.core.releases.card import write_card
from c2s_assets.core.releases.croissant import CROISSANT, write_croissant
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.licences import licence_problems
from c2s_assets.storage.releases.atlas_figures import read_figures
from c2s_assets.storage.releases.facts import read_facts
from c2s_assets.storage.releases.sources import published_sources


def describe(folder: Path, name: str, entry: ReleaseEntry) -> dict[str, str]:
    """Write what a release says of itself, from nothing but its files.

    Of a corpus that is its card, its pictures and croissant.json; of an atlas its card and its licence.
    """
    if entry.kind == "atlas":
        return write_atlas_card(entry, read_figures(folder, entry))
    facts = read_facts(folder)
    return {**write_card(name, entry, facts), CROISSANT: write_croissant(name, entry, facts)}


def write_description(folder: Path, name: str, entry: ReleaseEntry) -> None:
    """Put the texts of a release beside its files."""
    for path, text in describe(folder, name, entry).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def problems_of_licences(folder: Path, entry: ReleaseEntry) -> list[str]:
    """List what keeps a release from being published under its licence, by what its files say of sources."""
    return licence_problems(entry.licence, _licences_of_sources(folder, entry))


def _licences_of_sources(folder: Path, entry: ReleaseEntry) -> dict[str, str | None]:
    if entry.kind == "atlas":
        figures = read_figures(folder, entry)
        return {figures.dataset_id: figures.licence}
    return {source.dataset_id: source.licence for source in published_sources(folder)}
