"""The source files: how one gets into the lake, and what the lake knows of it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from c2s_assets.core.errors import (
    C2SError,
    LakeError,
    MissingInputError,
    NotAnH5adError,
    SourceError,
)
from c2s_assets.schemas.documents import InboxNote, Provenance, SurveyNote
from c2s_assets.storage.h5ad.apart import identity_of
from c2s_assets.storage.h5ad.limits import Limits
from c2s_assets.storage.h5ad.source import H5ad, open_h5ad
from c2s_assets.storage.h5ad.survey import SURVEYED_BY, Survey, survey_h5ad
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.documents import read_settings, write_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.room import require_room
from c2s_assets.storage.lake.shapes import present
from c2s_assets.storage.lake.staging import Stage, stage
from c2s_assets.storage.sources.formats.recognise import refuse_other_bytes
from c2s_assets.storage.sources.provenance import read_provenance

# So many of the first bytes, and all that there are or None where nobody knows.
Progress = Callable[[int, int | None], None]
_PIECE_BYTES = 16 * 2**20


def put_into_inbox(
    layout: Layout, *, dataset_id: str, fill: Callable[[Path], InboxNote], survey: Survey | None = None
) -> Path:
    """Place an h5ad in the inbox under its dataset id, whole or not at all; return its path there.

    Parameters
    ----------
    fill
        Writes the file to the path it is given, and says where it came from.
    survey
        That of the bytes that `fill` writes, if they were surveyed where they were.

    Raises
    ------
    SourceError
        If what was written is not an h5ad that can be read.
    """
    target, note = layout.inbox_h5ad(dataset_id), layout.inbox_note(dataset_id)
    with stage(layout, dataset_id) as staged:
        written = staged.path(target)
        origin = fill(written)
        limits = read_limits(layout, dataset_id=dataset_id)
        found = _note_survey(survey or _survey(written, limits=limits), identity=identity_of(written))
        write_document(staged.path(note), origin.model_copy(update={"survey": found}))
        staged.commit(note, target)
    return target


def put_file_into_inbox(
    layout: Layout,
    *,
    dataset_id: str,
    source: Path,
    link: bool,
    retrieved_at: str,
    survey: Survey | None = None,
    progress: Progress | None = None,
) -> Path:
    """Place a file of the user's in the inbox, after it was surveyed where it is; return its path there.

    Parameters
    ----------
    survey
        Of the file, if it was surveyed already.
    progress
        Is told how many bytes have been copied, and how many there are.

    Raises
    ------
    SourceError
        If it is not an h5ad that can be read, or changes while it is copied.
    C2SError
        If it cannot be linked.
    """
    if not link:
        require_room(layout, source.stat().st_size, what=f"a copy of {source}")
    surveyed = survey or _survey(source, limits=read_limits(layout, dataset_id=dataset_id))

    def copy(target: Path) -> InboxNote:
        copy_or_link(source, target, link=link, progress=progress)
        if identity_of(source) != surveyed.identity:
            raise NotAnH5adError(
                f"{source} changed while it was copied. Wait until it is whole, then add it again."
            )
        return InboxNote(retrieved_at=retrieved_at)

    return put_into_inbox(layout, dataset_id=dataset_id, fill=copy, survey=surveyed)


def read_limits(layout: Layout, *, dataset_id: str) -> Limits:
    """Return what the dataset's file may claim, by its entry of `datasets.yaml`."""
    return Limits(**read_settings(layout).entry(dataset_id).limits.raised())


def copy_or_link(source: Path, target: Path, *, link: bool, progress: Progress | None = None) -> None:
    """Copy a file, or give it a second name on the same disk; see `put_file_into_inbox`.

    Raises
    ------
    C2SError
        If it cannot be linked, because the disks differ or have no links.
    """
    if not link:
        _copy(source, target, progress or (lambda *_: None))
        return
    try:
        os.link(source.resolve(), target)  # of a symbolic link, the file that it means
    except OSError as error:
        raise C2SError(
            f"{source} cannot be linked into the lake ({error.strerror}). Leave --link out to copy it."
        ) from error


def _copy(source: Path, target: Path, progress: Progress) -> None:
    total = source.stat().st_size
    with source.open("rb") as reads, target.open("wb") as writes:
        while piece := reads.read(_PIECE_BYTES):
            writes.write(piece)
            progress(writes.tell(), total)


def adopt_from_inbox(layout: Layout, *, dataset_id: str) -> Provenance:
    """Verify the file that waits in the inbox and make it the dataset's source; or else verify the source.

    The old source stays in place until the new one is verified; a file that fails stays in the inbox.

    Raises
    ------
    MissingInputError
        If there is neither a file in the inbox nor a source, or another build takes the file meanwhile.
    SourceError
        If the file cannot be read as an h5ad, or changes while it is read.
    LakeError
        If nothing waits, and the source is not the file that was verified.
    """
    with stage(layout, dataset_id) as staged:
        waiting, note = layout.inbox_h5ad(dataset_id), layout.inbox_note(dataset_id)
        if not present(waiting).exists():
            return _verify_source(layout, staged, dataset_id=dataset_id)
        limits = read_limits(layout, dataset_id=dataset_id)
        provenance = _describe(waiting, _read_note(note), limits=limits)
        target = layout.raw_provenance(dataset_id)
        write_document(staged.path(target), provenance)
        staged.commit(target, note, moved={waiting: layout.raw_h5ad(dataset_id)})
    return provenance


def adopt_download(
    layout: Layout, *, dataset_id: str, dataset_version_id: str, fetch: Callable[[Path], InboxNote]
) -> Provenance:
    """Fetch a version of the dataset, verify it and make it the dataset's source.

    The old source stays in place until the new one is verified. What has arrived when `fetch` fails or is
    killed stays where it is, so that the next call can go on from there; a file that fails is removed.

    Parameters
    ----------
    fetch
        Fetches the file to the path it is given, and says where it came from.

    Raises
    ------
    SourceError
        If what arrived cannot be read as an h5ad.
    """
    arrived, note_path = layout.download(dataset_id), layout.download_note(dataset_id)
    arrived.parent.mkdir(parents=True, exist_ok=True)
    note = _note_of_arrived(arrived, note_path)
    if note is None or note.dataset_version_id != dataset_version_id:
        note = fetch(arrived)
        write_document(note_path, note)
    try:
        with stage(layout, dataset_id) as staged:
            provenance = _describe(arrived, note, limits=read_limits(layout, dataset_id=dataset_id))
            target = layout.raw_provenance(dataset_id)
            write_document(staged.path(target), provenance)
            staged.commit(target, note_path, moved={arrived: layout.raw_h5ad(dataset_id)})
    except SourceError as error:
        arrived.unlink(missing_ok=True)
        note_path.unlink(missing_ok=True)
        raise type(error)(f"{error} It came from {note.url}.") from error
    return provenance


@contextmanager
def open_source(layout: Layout, *, dataset_id: str, scratch: Path | None = None) -> Iterator[H5ad]:
    """Open the dataset's source file, which is surveyed first if it never was; see `open_h5ad`.

    Raises
    ------
    MissingInputError
        If there is no source.
    LakeError
        If its size is no longer what it was.
    SourceError
        If it cannot be read.
    """
    provenance = read_provenance(layout, dataset_id=dataset_id)
    raw = present(layout.raw_h5ad(dataset_id))
    limits = read_limits(layout, dataset_id=dataset_id)
    if provenance.surveyed_by != SURVEYED_BY:
        survey_h5ad(raw, limits=limits)
    with open_h5ad(raw, scratch=scratch, limits=limits) as h5ad:
        yield h5ad


def _verify_source(layout: Layout, staged: Stage, *, dataset_id: str) -> Provenance:
    raw, provenance_path = layout.raw_h5ad(dataset_id), layout.raw_provenance(dataset_id)
    for path in (raw, provenance_path):
        if not path.exists():
            raise MissingInputError(
                f"there is no file for it: neither {layout.inbox_h5ad(dataset_id)} nor {path} exists. Drop "
                f"the h5ad into the inbox under that name, use c2s add PATH_OR_URL --id {dataset_id}, or "
                f"select it of CELLxGENE Discover in datasets.yaml."
            )
    provenance = read_provenance(layout, dataset_id=dataset_id)
    sha256 = file_digest(raw)
    if sha256 != provenance.sha256:
        raise LakeError(
            f"{raw} has changed since it was verified (sha256 {sha256[:12]}, was {provenance.sha256[:12]}). "
            f"Add the file again: c2s add PATH_OR_URL --id {dataset_id}."
        )
    if provenance.surveyed_by == SURVEYED_BY:
        return provenance
    survey_h5ad(raw, limits=read_limits(layout, dataset_id=dataset_id))
    surveyed = provenance.model_copy(update={"surveyed_by": SURVEYED_BY})
    write_document(staged.path(provenance_path), surveyed)
    staged.commit(provenance_path)
    return surveyed


def _note_of_arrived(arrived: Path, note_path: Path) -> InboxNote | None:
    """Return the note of a file that has arrived as a whole, if its process was stopped only after that."""
    try:
        return _read_note(note_path) if arrived.exists() else None
    except LakeError:  # stopped while it was written
        return None


def _describe(path: Path, note: InboxNote, *, limits: Limits) -> Provenance:
    if not path.is_file():
        raise NotAnH5adError(f"{path} is not a file. Replace it by an h5ad, or remove it.")
    try:
        identity = identity_of(path)
        known = note.survey
        if known is None or (known.identity, known.surveyed_by) != (identity, SURVEYED_BY):
            known = _note_survey(_survey(path, limits=limits), identity=identity)
        sha256 = file_digest(path)
        is_same = identity_of(path) == identity
    except FileNotFoundError as error:
        raise MissingInputError(
            f"{path} was taken away while it was read, perhaps by another build. Build the dataset again."
        ) from error
    if not is_same:
        raise NotAnH5adError(
            f"{path} changed while it was read. Wait until it is copied as a whole, then build again."
        )
    _, size_bytes, _ = identity
    return Provenance(
        **note.model_dump(exclude={"survey"}),
        size_bytes=size_bytes,
        sha256=sha256,
        n_obs=known.n_obs,
        n_vars=known.n_vars,
        surveyed_by=SURVEYED_BY,
    )


def _survey(path: Path, *, limits: Limits) -> Survey:
    """Survey a file; one that is no HDF5 is refused for what it is."""
    refuse_other_bytes(path)
    return survey_h5ad(path, limits=limits)


def _note_survey(survey: Survey, *, identity: tuple[int, int, int]) -> SurveyNote:
    return SurveyNote(n_obs=survey.n_obs, n_vars=survey.n_vars, identity=identity, surveyed_by=SURVEYED_BY)


def _read_note(path: Path) -> InboxNote:
    try:
        return InboxNote.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return InboxNote()
    except ValidationError as error:
        raise LakeError(f"{path} is not what c2s add writes: {error}. Remove it.") from error
