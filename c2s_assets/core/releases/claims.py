"""What is claimed of a release."""

from collections.abc import Mapping, Sequence

from c2s_assets.core.findings import Finding
from c2s_assets.core.releases.changes import Change
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.sources import Source, cites_another_title


def licence_is_stated(name: str, entry: ReleaseEntry) -> Finding:
    """Claim that it is known under which licence a release is: what has none, nobody may use."""
    if entry.licence is not None:
        return Finding("licence_is_stated", True, f"Its licence is {entry.licence}.")
    return Finding(
        "licence_is_stated",
        False,
        f"Nobody may use data without a licence. Find out those of its sources, and state one that they "
        f"allow in datasets.yaml: releases: {{{name}: {{licence: CC BY 4.0}}}}",
    )


def licences_allow_it(problems: Sequence[str]) -> Finding:
    """Claim that the licence of each source is known, and lets a release be under its own."""
    if not problems:
        return Finding("licences_allow_it", True, "Every source has a licence, and the whole keeps to it.")
    more = f"; and {len(problems) - 1:,} more" if problems[1:] else ""
    return Finding("licences_allow_it", False, f"{problems[0]}{more}.", {"n_problems": len(problems)})


def citations_name_their_doi(sources: Sequence[Source]) -> Finding:
    """Claim that the citation of a source names the publication that the catalogue has under its DOI."""
    others = [source for source in sources if cites_another_title(source)]
    message = f"None of {len(sources):,} names another publication."
    if others:
        one = others[0]
        more = f"; and {len(others) - 1:,} more" if others[1:] else ""
        message = (
            f"{one.dataset_id} is cited as {one.citation!r}, and the catalogue has {one.record.title!r} "
            f"under {one.doi}: correct its citation in datasets.yaml{more}."
        )
    return Finding("citations_name_their_doi", not others, message, {"n_others": len(others)})


def card_is_true(written: Mapping[str, str | None], expected: Mapping[str, str]) -> Finding:
    """Claim that texts say what the files say that they are about.

    Parameters
    ----------
    written
        Each text by its path; None if it is not there.
    expected
        The same, as the files tell it now.
    """
    others = [path for path, text in expected.items() if written.get(path) != text]
    message = f"All of {len(expected):,} texts and pictures say what the files say."
    if others:
        message = (
            f"{_first_difference(others[0], written.get(others[0]), expected[others[0]])}. Make it again."
        )
    return Finding("card_is_true", not others, message, {"n_others": len(others)})


def _first_difference(path: str, written: str | None, expected: str) -> str:
    if written is None:
        return f"{path} is not there"
    says, should = written.splitlines(), expected.splitlines()
    at = next((at for at, both in enumerate(zip(says, should, strict=False)) if both[0] != both[1]), None)
    if at is None:
        return f"{path} has {len(says):,} lines, and should have {len(should):,}"
    return f"{path} says in line {at + 1:,} {says[at][:200]!r}, and the files say {should[at][:200]!r}"


def files_are_documented(others: Sequence[str]) -> Finding:
    """Claim that a release is what its document says; `others` is what is not."""
    message = "Files, sizes and SHA-256 are those that the document names."
    if others:
        more = f" and {len(others) - 1:,} more" if others[1:] else ""
        message = f"The document says something else of {others[0]}{more}. Stage the release again."
    return Finding("files_are_documented", not others, message, {"n_others": len(others)})


def split_is_proven(found: Sequence[str]) -> Finding:
    """Claim that a check of the files alone, as anyone can make it, finds nothing."""
    message = "No donor and no cell is on two sides, and the files are those that are certified."
    if found:
        message = f"{found[0]}{f' and {len(found) - 1:,} more' if found[1:] else ''}. See with: c2s audit."
    return Finding("split_is_proven", not found, message, {"n_found": len(found)})


def readers_find_release(left: Sequence[Change], *, n_files: int) -> Finding:
    """Claim that a repository holds what was staged; `left` is what would still have to change."""
    message = f"All {n_files:,} files are those that were staged."
    if left:
        message = (
            f"{len(left):,} files, such as {left[0].path}, are not those that were staged. Publish again."
        )
    return Finding("keeps_schema", not left, message, {"n_files": n_files})
