"""Proves that a staged release is what it says of itself: all of its files are read again for that."""

from collections.abc import Iterator
from pathlib import Path

from c2s_assets.core.findings import Finding
from c2s_assets.core.releases.claims import card_is_true, files_are_documented, split_is_proven
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.splits.certificate import CERTIFICATE, parse_certificate
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument, ReleaseFile
from c2s_assets.storage.lake.digest import file_digest, files_of_tree
from c2s_assets.storage.releases.describing import describe, problems_of_licences
from c2s_assets.storage.releases.sources import published_sources
from c2s_assets.storage.splits.proof import verify_split


def prove(folder: Path, document: ReleaseDocument, name: str, entry: ReleaseEntry) -> list[Finding]:
    """Compare a release with its document, its texts with its tables, and its sides with their certificate.

    Whoever changes a table and then rewrites the digests in certificate and document as well is found where
    the card counts what was changed, or where the split is no longer one. Nothing in the folder says what the
    lake held, so that `inputs` and the values of `made_from` are taken on trust.
    """
    expected = describe(folder, name, entry)
    return [
        files_are_documented(sorted(_undocumented(folder, document, name, entry))),
        card_is_true({path: _read(folder / path) for path in expected}, expected),
        split_is_proven(verify_split([folder]).found),
    ]


def _undocumented(folder: Path, document: ReleaseDocument, name: str, entry: ReleaseEntry) -> Iterator[str]:
    """Find files, and what else the document says, that are not as it says.

    Of files that the certificate names its digest is compared: `verify_split` compares that with the file.
    """
    certificate = parse_certificate((folder / CERTIFICATE).read_bytes(), name=CERTIFICATE)
    there = {}
    for path in files_of_tree(folder):
        if (key := path.relative_to(folder).as_posix()) != RELEASE_DOCUMENT:
            mark = certificate.files.get(key)
            sha256 = file_digest(path) if mark is None else mark.sha256
            there[key] = ReleaseFile(size_bytes=path.stat().st_size, sha256=sha256)
    yield from (
        path for path in there.keys() | document.files.keys() if there.get(path) != document.files.get(path)
    )
    sources = published_sources(folder)
    told = {
        "name": (document.name, name),
        "plan_version": (document.plan_version, certificate.plan_version),
        "made_from": (set(document.made_from), {source.dataset_id for source in sources}),
        "licence_problems": (document.licence_problems, problems_of_licences(entry, sources)),
    }
    yield from (what for what, (says, is_so) in told.items() if says != is_so)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
