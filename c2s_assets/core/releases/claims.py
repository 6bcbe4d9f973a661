"""What is claimed of a release."""

from collections.abc import Sequence

from c2s_assets.core.findings import Finding
from c2s_assets.core.releases.changes import Change
from c2s_assets.core.releases.entry import ReleaseEntry


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
