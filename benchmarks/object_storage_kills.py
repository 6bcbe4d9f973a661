"""Kills processes that commit to a lake in a bucket, at random moments, and sees that no version is a mix.

``python -m benchmarks.object_storage_kills --kills 50`` prints what OBJECT_STORAGE.md says.
"""

import argparse
import os
import random
import tempfile
from collections import Counter
from pathlib import Path
from unittest.mock import patch

from c2s_assets.storage.lake.locating import find_lake
from c2s_assets_tests.buckets import serve_s3
from c2s_assets_tests.storage.lake.committing import kill_while_committing, version_here


def kill(folder: Path, *, n_kills: int, seed: int) -> Counter[str]:
    """Kill committing processes of two machines in turn; count how often which version was found after it."""
    patience, found = random.Random(seed), Counter[str]()  # noqa: S311  not for secrets
    caches = [folder / "1", folder / "2"]
    with serve_s3() as s3:
        address = f"{s3.make_bucket()}/lake"
        for number in range(n_kills):
            said = kill_while_committing(address, str(number), cache=caches[number % 2], patience=patience)
            found["commits"] += len(said)
            for cache in caches:
                with patch.dict(os.environ, {"C2S_CACHE": str(cache)}):
                    content, sides = version_here(find_lake(address))
                if sides != [content, content]:
                    found["a mix"] += 1
                elif content == said[-1]:
                    found["the last that was through"] += 1
                elif content == f"{number}-{len(said)}":
                    found["the one after it, whose process did not hear of it"] += 1
                else:
                    found["another version"] += 1
    return found


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for what, n in kill(Path(folder), n_kills=options.kills, seed=options.seed).most_common():
            print(f"{n:>6} {what}")


if __name__ == "__main__":
    _main()
