"""A release that waits in the lake: its entry, its document, its files."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from c2s_assets.core.errors import LakeError, MissingInputError, UnknownNameError
from c2s_assets.core.ids import meant_by, nearest_id
from c2s_assets.core.releases.changes import LocalFile, git_oid
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument, ReleaseFile
from c2s_assets.storage.lake.digest import file_digest, files_of_tree
from c2s_assets.storage.lake.documents import read_document
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.shapes import present


@dataclass(frozen=True)
class StagedRelease:
    """A release in its folder, and what it holds."""

    folder: Path
    document: ReleaseDocument

    def files(self) -> dict[str, LocalFile]:
        """Return all files, by path, the document among them."""
        document = self.folder / RELEASE_DOCUMENT
        known = {path: (file.size_bytes, file.sha256) for path, file in self.document.files.items()}
        known[RELEASE_DOCUMENT] = (document.stat().st_size, file_digest(document))
        return {
            path: LocalFile(size, sha256, lambda path=path: git_oid(present(self.folder / path).read_bytes()))  # type: ignore[misc]
            for path, (size, sha256) in known.items()
        }


def release_entry(settings: DatasetsFile, name: str, *, kind: str | None = None) -> ReleaseEntry:
    """Return what `datasets.yaml` says of a release, which may have to be of a kind.

    Raises
    ------
    UnknownNameError
        If it says nothing, or that it is of another kind.
    """
    if (entry := settings.releases.get(name)) is not None:
        if kind not in (None, entry.kind):
            raise UnknownNameError(
                f"datasets.yaml says that {name!r} is of the kind {entry.kind}: materialize "
                f"{entry.kind}_release of it, or write kind: {kind} there."
            )
        return entry
    near = nearest_id(name, settings.releases)
    known = f"There are {', '.join(settings.releases)}" if settings.releases else "There is none"
    raise UnknownNameError(
        f"datasets.yaml has no release {name!r}{meant_by(near)}. {known}. Describe it there: releases: "
        f"{{{name}: {{repo_id: me/my-corpus, licence: CC BY 4.0}}}}"
    )


def staged_release(layout: Layout, name: str) -> StagedRelease:
    """Return a release as it was staged last.

    Raises
    ------
    MissingInputError
        If it was not staged, or files of it are gone or of another size.
    """
    document = read_release(layout, name)
    if document is None or not is_whole(layout.release(name), document):
        raise MissingInputError(
            f"{layout.release(name)} holds no release, or not the whole of it. Stage it first: c2s release "
            f"{name}."
        )
    return StagedRelease(layout.release(name), document)


def read_release(layout: Layout, name: str) -> ReleaseDocument | None:
    """Return the document of the last staging; None if there is none that can be read."""
    with suppress(MissingInputError, LakeError):
        return read_document(layout.release(name) / RELEASE_DOCUMENT, ReleaseDocument)
    return None


def is_whole(folder: Path, document: ReleaseDocument) -> bool:
    """Whether the files of a staged release are there, with their sizes, and no others."""
    there = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files_of_tree(folder)}
    there.pop(RELEASE_DOCUMENT, None)
    return there == {path: file.size_bytes for path, file in document.files.items()}


def link_or_copy(old: Path, new: Path) -> None:
    """Give a file a second name, or its content, where the disk has no links or no more of this file."""
    try:
        os.link(present(old), new)
    except OSError:
        shutil.copyfile(old, new)


def describe_files(folder: Path, known: Mapping[str, str]) -> dict[str, ReleaseFile]:
    """Say what each file is known by; `known` are the digests of those that need not be read for it."""
    found = {}
    for path in files_of_tree(folder):
        name = path.relative_to(folder).as_posix()
        sha256 = known.get(name) or file_digest(path)
        found[name] = ReleaseFile(size_bytes=path.stat().st_size, sha256=sha256)
    return found
