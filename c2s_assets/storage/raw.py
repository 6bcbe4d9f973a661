"""The source files: how one gets into the lake, and what the lake knows of it."""

import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from c2s_assets.core.errors import LakeError, MissingInputError
from c2s_assets.schemas.documents import InboxNote, Provenance
from c2s_assets.storage.digest import file_digest
from c2s_assets.storage.documents import read_document, write_document
from c2s_assets.storage.h5ad.source import open_h5ad
from c2s_assets.storage.layout import Layout
from c2s_assets.storage.staging import stage


def put_into_inbox(layout: Layout, *, dataset_id: str, fill: Callable[[Path], InboxNote]) -> Path:
    """Place an h5ad in the inbox under its dataset id, whole or not at all.

    Parameters
    ----------
    fill
        Writes the file to the path it is given, and says where it came from.

    Raises
    ------
    SourceError
        If what was written is not an h5ad that can be read.
    """
    target, note_path = layout.inbox_h5ad(dataset_id), layout.inbox_note(dataset_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{dataset_id}-{secrets.token_hex(4)}.part")
    try:
        note = fill(partial)
        with open_h5ad(partial):
            pass
        write_document(note_path, note)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def copy_or_link(source: Path, target: Path, *, link: bool) -> None:
    """Copy a file, or give it a second name on the same disk."""
    if link:
        os.link(source, target)
    else:
        shutil.copyfile(source, target)


def adopt_from_inbox(layout: Layout, *, dataset_id: str) -> Provenance:
    """Verify the file that waits in the inbox and make it the dataset's source; without one, verify the source.

    The old source stays in place until the new one is verified; a file that fails stays in the inbox.

    Raises
    ------
    MissingInputError
        If there is neither a file in the inbox nor a source.
    SourceError
        If the file cannot be read as an h5ad.
    """
    with stage(layout, dataset_id) as staged:
        waiting, raw = layout.inbox_h5ad(dataset_id), layout.raw_h5ad(dataset_id)
        if not waiting.exists():
            return _verify_source(layout, dataset_id=dataset_id)
        provenance = _describe(waiting, _read_note(layout.inbox_note(dataset_id)))
        target = layout.raw_provenance(dataset_id)
        write_document(staged.path(target), provenance)
        staged.commit(target, moved={waiting: raw})
        layout.inbox_note(dataset_id).unlink(missing_ok=True)
    return provenance


def read_provenance(layout: Layout, *, dataset_id: str) -> Provenance:
    """Read what is known of the dataset's source file, and that it is still the file that was verified.

    Raises
    ------
    MissingInputError
        If there is no source.
    LakeError
        If its size is no longer what it was.
    """
    provenance = read_document(layout.raw_provenance(dataset_id), Provenance)
    raw = layout.raw_h5ad(dataset_id)
    if not raw.exists() or raw.stat().st_size != provenance.size_bytes:
        raise LakeError(
            f"{raw} is missing or no longer has the {provenance.size_bytes} bytes that were verified. "
            f"Add the file again: c2s add."
        )
    return provenance


def _verify_source(layout: Layout, *, dataset_id: str) -> Provenance:
    raw = layout.raw_h5ad(dataset_id)
    if not raw.exists():
        raise MissingInputError(
            f"there is no file for it: neither {layout.inbox_h5ad(dataset_id)} nor {raw} exists. Drop the h5ad "
            f"into the inbox under that name, or use c2s add PATH_OR_URL --id {dataset_id}."
        )
    provenance = read_provenance(layout, dataset_id=dataset_id)
    described = _describe(raw, InboxNote(**provenance.model_dump(include=set(InboxNote.model_fields))))
    if described.sha256 != provenance.sha256:
        raise LakeError(
            f"{raw} has changed since it was verified (sha256 {described.sha256[:12]}, was "
            f"{provenance.sha256[:12]}). Add the file again: c2s add."
        )
    return provenance


def _describe(path: Path, note: InboxNote) -> Provenance:
    with open_h5ad(path) as h5ad:
        n_obs, n_vars = h5ad.n_obs, h5ad.var.n_rows
    return Provenance(
        **note.model_dump(),
        size_bytes=path.stat().st_size,
        sha256=file_digest(path),
        n_obs=n_obs,
        n_vars=n_vars,
    )


def _read_note(path: Path) -> InboxNote:
    try:
        return InboxNote.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return InboxNote()
    except ValidationError as error:
        raise LakeError(f"{path} is not what c2s add writes: {error}. Remove it.") from error
