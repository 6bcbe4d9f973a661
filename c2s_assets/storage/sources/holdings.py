"""What the lake already has under a dataset id, so that no file takes the place of another unasked."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from c2s_assets.core.errors import InvalidDatasetIdError, LakeError, MissingInputError, TakenIdError
from c2s_assets.core.ids import dataset_id_of
from c2s_assets.schemas.documents import InboxNote, Provenance
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.formats.recognise import Found

Note = TypeVar("Note", InboxNote, Provenance)


@dataclass(frozen=True)
class Holding:
    """The file under a dataset id: one that waits in the inbox or, if none does, the source.

    `verified_sha256` is what it was when it was verified; None while it waits in the inbox.
    """

    path: Path
    size_bytes: int
    note: InboxNote | Provenance
    verified_sha256: str | None

    @property
    def original_size_bytes(self) -> int:
        """Size of what was given: the file itself, or what it was converted from."""
        converted = self.note.converted_from
        return self.size_bytes if converted is None else converted.size_bytes

    def is_whole(self) -> bool:
        """Whether the file has the bytes that were verified; reads all of it."""
        return self.verified_sha256 is None or (
            self.path.is_file() and file_digest(self.path) == self.verified_sha256
        )

    def is_same(self, found: Found, *, part: str | None) -> bool:
        """Whether it came from the same bytes; reads a file only if its size agrees."""
        converted = self.note.converted_from
        if found.size_bytes != self.original_size_bytes:
            return False
        if converted is not None:
            return converted.part == part and converted.sha256 == found.sha256
        return found.sha256 == (self.verified_sha256 or file_digest(self.path))

    def taken_error(self, dataset_id: str, name: str) -> TakenIdError:
        """Return the error that says what is there, and how another file can be added all the same."""
        converted = self.note.converted_from
        what = self.note.url or (None if converted is None else converted.name)
        origin = "" if what is None else f", from {what}"
        state = "waits in the inbox" if self.verified_sha256 is None else "is its source"
        return TakenIdError(
            f"the dataset id {dataset_id!r} is taken: another file than {name} {state} ({self.path}, "
            f"{self.size_bytes:,} bytes{origin}). Add this one under another id with --id NAME, or in place "
            f"of that with --replace."
        )


def find_holding(layout: Layout, dataset_id: str) -> Holding | None:
    """Find the file that the next build of a dataset would use; None if the id is free.

    Raises
    ------
    LakeError
        If what stands in its place is not a file.
    """
    waiting, raw = layout.inbox_h5ad(dataset_id), layout.raw_h5ad(dataset_id)
    if waiting.exists() and not waiting.is_file():
        raise LakeError(f"{waiting} is not a file. Remove it.")
    if waiting.exists():
        note = _read(layout.inbox_note(dataset_id), InboxNote)
        return Holding(waiting, waiting.stat().st_size, note or InboxNote(), verified_sha256=None)
    provenance = _read(layout.raw_provenance(dataset_id), Provenance)
    if provenance is not None:
        return Holding(raw, provenance.size_bytes, provenance, verified_sha256=provenance.sha256)
    if raw.is_file():  # without a document of ours: nobody verified it
        return Holding(raw, raw.stat().st_size, InboxNote(), verified_sha256="")
    return None


def find_same_file(layout: Layout, found: Found, *, part: str | None, besides: str) -> str | None:
    """Find another dataset whose file came from the same bytes; reads only files of the same size."""
    names = {path.name for folder in (layout.raw, layout.inbox) for path in folder.glob("[!.]*.h5ad")}
    for name in sorted(names - {f"{besides}.h5ad"}):
        with suppress(InvalidDatasetIdError, LakeError):  # what is no file of a dataset
            held = find_holding(layout, dataset_id_of(name))
            if held is not None and held.is_same(found, part=part):
                return dataset_id_of(name)
    return None


def _read(path: Path, model: type[Note]) -> Note | None:
    """Read what is noted of a file; None if nothing is, or nothing that can be read."""
    try:
        return read_document(path, model)
    except (MissingInputError, LakeError):
        return None
