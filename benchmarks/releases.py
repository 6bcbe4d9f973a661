"""What publishing a release of many datasets takes, to a Hub of our own on this machine.

``python -m benchmarks.releases FOLDER --datasets 2200`` publishes as many small datasets, publishes them once
more, and loads the config of one of them where `datasets` is installed. The processor time of the Hub, which
is in the same process, is part of what is printed.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import polars as pl
from huggingface_hub import constants

from c2s_assets.clients.hub import HubRepo, open_repo
from c2s_assets.clients.publishing import publish
from c2s_assets.core.releases.card import CARD, write_card
from c2s_assets.core.releases.census import COUNTED, WORDS, Census, N
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.facts import ReleaseFacts
from c2s_assets.core.releases.sources import Source
from c2s_assets.core.splits.certificate import Certificate, SideCount
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.schemas.releases import RELEASE_DOCUMENT, ReleaseDocument, ReleaseFile
from c2s_assets.storage.lake.documents import write_document
from c2s_assets.storage.releases.staged import StagedRelease
from c2s_assets_tests.hub import WRITER, serve_hub

_REPO = "me/corpus"
_LOADING = """
import resource, sys, time
import datasets
start = time.process_time()
datasets.load_dataset(sys.argv[1], sys.argv[2])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"load_dataset of one config: {time.process_time() - start:.1f} s of processor time, {peak:,.0f} MB")
"""


def main() -> None:
    """Publish, publish again, load."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--datasets", type=int, default=2200)
    options = parser.parse_args()
    constants.HF_HUB_DISABLE_XET = True
    ids = [str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(options.datasets)]
    staged = _stage(options.folder / "release", ids)
    yaml_bytes = len((staged.folder / CARD).read_text(encoding="utf-8").split("---\n")[1].encode())
    print(f"{len(ids):,} datasets, {len(staged.document.files):,} files, {yaml_bytes / 1000:,.0f} kB of YAML")
    with serve_hub(options.folder / "hub") as hub, open_repo(_REPO, endpoint=hub.url, token=WRITER) as repo:
        with _timed("first release"):
            _publish(repo, staged)
        with _timed("the same again"):
            _publish(repo, staged)
        if find_spec("datasets") is not None:
            home = str(options.folder / "home")
            environment = {"HF_ENDPOINT": hub.url, "HF_HOME": home, "HF_HUB_DISABLE_XET": "1"}
            subprocess.run(
                [sys.executable, "-c", _LOADING, _REPO, ids[-1]],
                env={**os.environ, **environment},
                check=True,
            )


def _stage(folder: Path, ids: list[str]) -> StagedRelease:
    folder.mkdir(parents=True)
    (folder / "_images").mkdir()
    for path, text in write_card(
        "corpus", ReleaseEntry(repo_id=_REPO, licence="CC BY 4.0"), _facts(ids)
    ).items():
        (folder / path).write_text(text, encoding="utf-8")
    for dataset_id in ids:
        for side in SIDES:
            path = folder / dataset_id / side / "chunk_0000.parquet"
            path.parent.mkdir(parents=True)
            pl.DataFrame({"dataset_id": dataset_id, "cell_id": ["a", "b", "c"], "split": side}).write_parquet(
                path
            )
    files = {path.relative_to(folder).as_posix(): _file(path) for path in folder.rglob("*") if path.is_file()}
    document = ReleaseDocument(name="corpus", plan_version="1.0", inputs="", made_from={}, files=files)
    write_document(folder / RELEASE_DOCUMENT, document)
    return StagedRelease(folder, document)


def _facts(ids: list[str]) -> ReleaseFacts:
    """Tell of datasets with a donor and three cells on each side."""
    rows = [
        {"split": side, "dataset_id": name, "donor_uid": f"{name}/{side}", "has_known_donor": True, N: 3}
        for name in ids
        for side in SIDES
    ]
    cells = pl.DataFrame(rows, schema={"split": pl.String, "dataset_id": pl.String, **COUNTED, N: pl.Int64})
    counts = dict.fromkeys(SIDES, SideCount(len(ids), len(ids), 3 * len(ids)))
    return ReleaseFacts(
        sides=dict.fromkeys(ids, SIDES),
        census=Census(cells, pl.DataFrame(schema=dict.fromkeys((*WORDS, N), pl.Int64))),
        certificate=Certificate("1.0", 0, datasets={}, sides=counts, files={}),
        left_out={},
        inflation=None,
        sources=[Source(name, title="A dataset", licence="CC BY 4.0") for name in ids],
        fields=[],
        tables=[],
    )


def _file(path: Path) -> ReleaseFile:
    content = path.read_bytes()
    return ReleaseFile(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _publish(repo: HubRepo, staged: StagedRelease) -> None:
    published = publish(repo, staged, private=False, report=lambda _: None)
    print(f"version {published.version}, {len(published.changes):,} files changed")


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start, used = time.perf_counter(), time.process_time()
    yield
    print(
        f"{what}: {time.perf_counter() - start:.1f} s, {time.process_time() - used:.1f} s of processor time"
    )


if __name__ == "__main__":
    main()
