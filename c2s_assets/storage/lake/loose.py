"""What people put into a lake's bucket as it is: files in its inbox, and those that `datasets.yaml` names.

Of these no unit says what they are: an object is the file of its name until somebody puts another one there.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.bucket import LooseFile, check_below
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.shapes import put_shape
from c2s_assets.storage.lake.working_copy import WorkingCopy

_INBOX, _TAKEN = "inbox/", ".h5ad"


def look_for_loose(copy: WorkingCopy) -> dict[str, LooseFile]:
    """Find the objects that people put there, by name; needs the settings as they are now."""
    found = {
        one.key: LooseFile(etag=one.etag, size_bytes=one.size_bytes)
        for one in copy.bucket.objects(_INBOX)
        if one.key.count("/") == 1 and one.key.endswith(_TAKEN) and _is_below(one.key)
    }
    for name in named_files(_settings(copy)):
        seen = copy.bucket.look(name)
        if seen is not None:
            found[name] = LooseFile(etag=seen.etag, size_bytes=seen.size_bytes)
    return found


def take_loose(copy: WorkingCopy, found: Mapping[str, LooseFile]) -> None:
    """Let a working copy have these files; to be called by who holds the lake's lock."""
    before = copy.loose()
    published = {name for held in copy.held_units().values() for name in held.published.files}
    now = {name: one for name, one in found.items() if name not in published}
    for name in before.keys() - now.keys() - published:
        (copy.layout.root / name).unlink(missing_ok=True)
    for name, one in now.items():
        place = copy.layout.root / name
        if before.get(name) != one or not place.exists():
            put_shape(place, one.size_bytes, version=one.etag)
    if before != now:
        copy.note_loose(now)


def named_files(settings: DatasetsFile) -> Iterator[str]:
    """Give the files in the lake that settings name: those with a path that is not from elsewhere."""
    named = {settings.prompts.tokenizer, settings.communication.file()}
    for entry in settings.datasets.values():
        named |= set() if entry.spatial is None else set(entry.spatial.files().values())
    yield from sorted(name for name in named if name is not None and _is_below(name))


def _is_below(name: str) -> bool:
    try:
        check_below(name)
    except ValueError:
        return False
    return not name.startswith("~") and not PurePosixPath(name).name.startswith(".")


def _settings(copy: WorkingCopy) -> DatasetsFile:
    try:
        return read_settings(copy.layout)
    except ConfigError:  # which is said by who needs them
        return DatasetsFile()
