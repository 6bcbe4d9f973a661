"""`python -m c2s_assets.verify FOLDER_OR_FILES`: checks the files of a split offline, with pyarrow alone."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from c2s_assets.storage.splits.proof import verify_split


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what the command line names; 1 if anything is found."""
    parser = argparse.ArgumentParser(
        prog="python -m c2s_assets.verify",
        description="Check the files of a split: nobody is on two sides, and they are as certified.",
    )
    parser.add_argument("places", metavar="FOLDER_OR_FILE", nargs="+")
    return verify(parser.parse_args(arguments).places, say=_print)


def verify(places: Sequence[str], *, say: Callable[[str], None]) -> int:
    """Check files and folders, and say what was checked and what was found; 1 if anything was."""
    proof = verify_split([Path(place) for place in places])
    for line in proof.checked:
        say(line)
    for line in proof.found:
        say(f"FOUND {line}")
    say(f"{len(proof.found):,} findings" if proof.found else "nothing found")
    return int(bool(proof.found))


def _print(line: str) -> None:
    """Print a line, in which what cannot be seen is written as its escape."""
    print(line.encode("unicode_escape").decode() if not line.isprintable() else line)


if __name__ == "__main__":
    sys.exit(main())
