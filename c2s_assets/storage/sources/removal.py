"""Taking a dataset out of the lake, or giving it another name."""

import json
from pathlib import Path

from c2s_assets.core.errors import C2SError, MissingInputError
from c2s_assets.schemas.documents import InboxNote
from c2s_assets.storage.lake.documents import write_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place
from c2s_assets.storage.lake.record import known_record
from c2s_assets.storage.lake.staging import stage


def places_of(layout: Layout, dataset_id: str) -> list[Path]:
    """Find everything in the lake that belongs to one dataset alone."""
    places = (
        layout.inbox_h5ad(dataset_id),
        layout.inbox_note(dataset_id),
        layout.raw_h5ad(dataset_id),
        layout.raw_provenance(dataset_id),
        layout.download(dataset_id),
        layout.download_note(dataset_id),
        layout.feature_summary(dataset_id),
        layout.vision_answers(dataset_id),
        layout.dataset(dataset_id),
    )
    return [place for place in places if place.exists()]


def is_left_over(layout: Layout, dataset_id: str) -> bool:
    """Whether a dataset has no file and no table: at most, its record says why a file was not taken."""
    places = places_of(layout, dataset_id)
    if places != [layout.dataset(dataset_id)]:
        return not places
    named = {path.name for path in layout.dataset(dataset_id).iterdir()}
    return named <= {layout.record(dataset_id).name} and not known_record(layout, dataset_id).built


def nothing_called(layout: Layout, dataset_id: str) -> MissingInputError:
    """Make the error of an id under which the lake holds nothing."""
    return MissingInputError(
        f"{shown_place(layout, layout.root)} holds nothing called {dataset_id!r}. c2s ls lists what it holds."
    )


def remove_dataset(layout: Layout, dataset_id: str) -> None:
    """Take a dataset out of the lake: all of it or nothing, even if we die.

    Raises
    ------
    MissingInputError
        If the lake holds nothing of it.
    """
    places = places_of(layout, dataset_id)
    if not places:
        raise nothing_called(layout, dataset_id)
    with stage(layout, dataset_id) as staged:
        staged.commit(*places)


def rename_source(layout: Layout, old: str, new: str) -> None:
    """Give the source of a dataset another name, in the inbox, and remove what was built under the old one.

    Every table says which dataset it is of, so all of them have to be built again.

    Raises
    ------
    MissingInputError
        If there is no source under the old name.
    C2SError
        If the new name is taken.
    """
    taken = places_of(layout, new)
    if taken:
        raise C2SError(
            f"{new!r} is taken: {taken[0]} exists. Choose another name, or remove it: c2s rm {new}."
        )
    waiting, source = layout.inbox_h5ad(old), layout.raw_h5ad(old)
    h5ad = waiting if waiting.exists() else source
    if not h5ad.exists():
        raise MissingInputError(
            f"there is no file of {old!r} in {shown_place(layout, layout.root)}. c2s ls lists what it holds."
        )
    note = layout.inbox_note(old) if h5ad == waiting else layout.raw_provenance(old)
    with stage(layout, old) as staged:
        write_document(staged.path(layout.inbox_note(new)), _origin(note))
        others = [place for place in places_of(layout, old) if place != h5ad]
        staged.commit(layout.inbox_note(new), *others, moved={h5ad: layout.inbox_h5ad(new)})


def _origin(path: Path) -> InboxNote:
    """Read where a file came from; under a new name it is nobody's version but the user's own file."""
    if not path.exists():
        return InboxNote()
    known = json.loads(path.read_bytes())
    kept = {name: known[name] for name in InboxNote.model_fields if name in known}
    return InboxNote.model_validate({**kept, "dataset_version_id": None})
