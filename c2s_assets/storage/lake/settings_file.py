"""`datasets.yaml`: of a lake in a bucket an object of that name, which people put there as it is."""

from collections.abc import Callable

from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place
from c2s_assets.storage.lake.working_copy import WorkingCopy, working_copy_of, write_beside

_SETTINGS = "datasets.yaml"


def place_of_settings(layout: Layout) -> str:
    """Return where a user finds the file, to change it."""
    return shown_place(layout, layout.settings)


def change_settings(layout: Layout, change: Callable[[str], str]) -> None:
    """Let the file say what is made of what it says now; of one that is not there, of nothing.

    Raises
    ------
    LostRaceError
        If another machine changes it at this moment.
    """
    copy = working_copy_of(layout)
    if copy is None:
        before = layout.settings.read_text(encoding="utf-8") if layout.settings.exists() else ""
        text = change(before)
        layout.settings.parent.mkdir(parents=True, exist_ok=True)
    else:
        there = copy.bucket.read(_SETTINGS)
        before = "" if there is None else there.text
        text = change(before)
        if text != before:
            copy.require_conditions()
            copy.bucket.swap(_SETTINGS, text, expected=None if there is None else there.etag)
    if text != before or not layout.settings.exists():
        write_beside(layout.settings, text)


def take_settings(copy: WorkingCopy) -> None:
    """Let a working copy have the file as it is now."""
    there, place = copy.bucket.read(_SETTINGS), copy.layout.settings
    if there is None:
        place.unlink(missing_ok=True)
    elif not place.exists() or place.read_text(encoding="utf-8") != there.text:
        write_beside(place, there.text)
