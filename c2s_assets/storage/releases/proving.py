"""Proves that a staged release is what it says of itself: all of its files are read again for that."""

from collections.abc import Mapping
from pathlib import Path

from c2s_assets.core.findings import Finding
from c2s_assets.core.releases.claims import card_is_true, files_are_documented, split_is_proven
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.splits.certificate import CERTIFICATE, parse_certificate
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument
from c2s_assets.storage.releases.atlas import wanted_tables
from c2s_assets.storage.releases.describing import describe, problems_of_licences
from c2s_assets.storage.releases.sources import published_sources
from c2s_assets.storage.releases.staged import describe_files
from c2s_assets.storage.splits.proof import verify_split


def prove_corpus(folder: Path, document: ReleaseDocument, name: str, entry: ReleaseEntry) -> list[Finding]:
    """Compare a corpus with its document, its texts with its tables, and its sides with their certificate.

    Whoever changes a table and then rewrites the digests in certificate and document as well is found where
    the card counts what was changed, or where the split is no longer one. Nothing in the folder says what the
    lake held, so that `inputs` and the values of `made_from` are taken on trust.
    """
    certificate = parse_certificate((folder / CERTIFICATE).read_bytes(), name=CERTIFICATE)
    of_kind = {
        "plan_version": (document.plan_version, certificate.plan_version),
        "made_from": (document.made_from.keys(), {one.dataset_id for one in published_sources(folder)}),
    }
    # `verify_split` compares the digests of the certificate with the files that it names.
    known = {path: mark.sha256 for path, mark in certificate.files.items()}
    return [
        *_is_as_it_says(folder, document, name, entry, of_kind=of_kind, known=known),
        split_is_proven(verify_split([folder]).found),
    ]


def prove_atlas(folder: Path, document: ReleaseDocument, name: str, entry: ReleaseEntry) -> list[Finding]:
    """Compare an atlas with its document, and its card and licence with its tables and its profile.

    Whoever rewrites the digests in the document as well is found where the card tells what was changed: rows
    and columns of a table, and where the dataset is from. `inputs` and the values of `made_from` are taken on
    trust, as those of a corpus; that the expression is that of the lake is for `verify_atlas` to say.
    """
    of_kind = {
        "plan_version": (document.plan_version, None),
        "made_from": (document.made_from.keys(), set(wanted_tables(entry))),
    }
    return _is_as_it_says(folder, document, name, entry, of_kind=of_kind, known={})


def _is_as_it_says(
    folder: Path,
    document: ReleaseDocument,
    name: str,
    entry: ReleaseEntry,
    *,
    of_kind: Mapping[str, tuple[object, object]],
    known: Mapping[str, str],
) -> list[Finding]:
    """Compare a document and texts with the files.

    Parameters
    ----------
    of_kind
        What the document says, and what is so, by name, where that depends on the kind of the release.
    known
        Digests of the files that need not be read for it.
    """
    there = describe_files(folder, known)
    there.pop(RELEASE_DOCUMENT, None)
    others = [
        path for path in there.keys() | document.files.keys() if there.get(path) != document.files.get(path)
    ]
    told = {
        "name": (document.name, name),
        "yanked": (document.yanked, entry.yanked),
        "licence_problems": (document.licence_problems, problems_of_licences(folder, entry)),
        **of_kind,
    }
    others += [what for what, (says, is_so) in told.items() if says != is_so]
    expected = describe(folder, name, entry)
    return [
        files_are_documented(sorted(others)),
        card_is_true({path: _read(folder / path) for path in expected}, expected),
    ]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
