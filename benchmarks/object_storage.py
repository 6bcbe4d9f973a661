"""A build and queries of a lake in a folder against one in a bucket, moto's on this machine.

``python -m benchmarks.object_storage build``, ``... orders``, ``... speed`` and ``... catalogue`` print what
OBJECT_STORAGE.md says. Every command is a process of its own, whose processor time is counted; that of the
server is not.
"""

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
from obstore.store import S3Store

from benchmarks.copied_lake import make_copies
from c2s_assets.storage.bucket.address import parse_bucket_address
from c2s_assets.storage.bucket.bucket import Bucket
from c2s_assets.storage.lake.digest import file_digest, files_of_tree, tree_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.buckets import S3, serve_s3
from c2s_assets_tests.toy import EMBEDDINGS, write_toy_h5ad

_MEGABYTE = 10**6
_PART_BYTES = 16 * 2**20
_FILE_BYTES, _REPEATS = 128 * _MEGABYTE, 5


def _run(lake: str, cache: Path, *arguments: str | Path) -> tuple[float, float]:
    """Run a command; return the seconds that it took, and those of the processor."""
    before, since = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "c2s_assets", *map(str, arguments)]
    done = subprocess.run(
        command,
        env={**os.environ, "C2S_LAKE": lake, "C2S_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{arguments}: {done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - since, used


def _kinds(requests: list[str]) -> str:
    kinds = Counter(_kind(request) for request in requests)
    return ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())


def _kind(request: str) -> str:
    method, path = request.split(maxsplit=1)
    if "/published/" in path:
        return f"{method} of heads"
    if method == "GET" and path.count("/") < 3:
        return "listings"
    return f"{method} of objects"


def measure_build(s3: S3, folder: Path, *, n_cells: int) -> None:
    """Build one dataset here and there, then ask both."""
    h5ad = write_toy_h5ad(folder / "a.h5ad", n_obs=n_cells, n_vars=2_000, n_axes=EMBEDDINGS)
    address, lake = f"{s3.make_bucket()}/lake", folder / "lake"
    print(f"{n_cells:,} cells x 2,000 genes, {h5ad.stat().st_size / _MEGABYTE:,.1f} MB")
    for place in (str(lake), address):
        for arguments in (("add", h5ad), ("build", "a")):
            s3.requests.clear()
            seconds, used = _run(place, folder / "builder", *arguments)
            print(f"{place[:5]} {arguments[0]:<6} {seconds:6.1f} s, {used:6.1f} s of the processor", end="")
            print(f"   {len(s3.requests)} requests: {_kinds(s3.requests)}" if s3.requests else "")
    n_bytes = sum(map(len, s3.objects(s3.address).values()))
    print(f"in the bucket: {n_bytes / _MEGABYTE:,.1f} MB")
    for what in ("cold", "warm", "warm"):
        for place in (str(lake), address):
            s3.requests.clear()
            seconds, used = _run(place, folder / "reader", "query", "select count(*) from cells")
            print(f"{place[:5]} query {what} {seconds:6.1f} s, {used:6.1f} s of the processor", end="")
            print(f"   {len(s3.requests)} requests: {_kinds(s3.requests)}" if s3.requests else "")
    _run("lake", folder / "reader", "sync", address, folder / "back")
    places = ("raw/a.h5ad", "datasets/a", "catalogue/split_plan.parquet")
    ours, theirs = (
        [tree_digest(layout.root / place) for place in places]
        for layout in (Layout(lake), Layout(folder / "back"))
    )
    print(f"the same bytes: {ours == theirs}")


def compare_orders(s3: S3, folder: Path) -> None:
    """Let four machines, two at a time and in two orders, build two datasets; compare with a folder."""
    names, lake, address = ("a", "b"), folder / "lake", f"{s3.make_bucket()}/lake"
    for number, name in enumerate(names):
        h5ad = write_toy_h5ad(folder / f"{name}.h5ad", n_axes=EMBEDDINGS, seed=number)
        for place in (str(lake), address):
            _run(place, folder / "first", "add", h5ad)
    _run(str(lake), folder, "build", *names)
    for pair in (("1", "2"), ("3", "4")):
        with ThreadPoolExecutor(2) as pool:
            orders = {machine: names if number else names[::-1] for number, machine in enumerate(pair)}
            works = [
                pool.submit(_try, address, folder / machine, "build", *order)
                for machine, order in orders.items()
            ]
            print([work.result() for work in works])
    _run(address, folder / "last", "build", "--outdated")
    _run("lake", folder / "last", "sync", address, folder / "back")
    theirs, ours = (_digests(Layout(place)) for place in (folder / "back", lake))
    different = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    print(f"{len(ours)} files of a folder, {len(theirs)} of the bucket; different: {different}")


def measure_catalogue(s3: S3, folder: Path, *, n_datasets: int) -> None:
    """Send a lake of many datasets, and ask it from machines that have nothing of it yet."""
    layout = make_copies(folder / "lake", [f"dataset-{number:05d}" for number in range(n_datasets - 1)])
    address = f"{s3.make_bucket()}/lake"
    sql = "select count(*), count(distinct dataset_id) from cells"
    for what, machine, command in (
        ("sync", "first", ("sync", layout.root, address)),
        ("query, which builds the catalogue", "first", ("query", sql)),
        ("query, warm", "first", ("query", sql)),
        ("query --as-is of a machine without a cache", "second", ("query", "--as-is", sql)),
        ("the same, warm", "second", ("query", "--as-is", sql)),
    ):
        s3.requests.clear()
        seconds, used = _run(address, folder / machine, *command)
        print(f"{what}: {seconds:.1f} s, {used:.1f} s of the processor", end="")
        print(f"   {len(s3.requests):,} requests: {_kinds(s3.requests)}", flush=True)


def _try(lake: str, cache: Path, *arguments: str) -> str:
    try:
        _run(lake, cache, *arguments)
    except SystemExit as error:
        return str(error)[-300:]
    return "built"


def _digests(layout: Layout) -> dict[str, str]:
    places = (layout.raw, layout.datasets, layout.split_plan, layout.split_copies)
    files = [file for place in places for file in files_of_tree(place)]
    return {
        file.relative_to(layout.root).as_posix(): file_digest(file)
        for file in files
        if file.parent != layout.raw or file.suffix == ".h5ad"  # beside it stands when it was added
    }


def measure_speed(s3: S3, folder: Path) -> None:
    """Send and fetch a file through ours and through obstore alone, in turn."""
    sent, fetched = folder / "sent", folder / "fetched"
    sent.write_bytes(os.urandom(_FILE_BYTES))
    sha256 = hashlib.sha256(sent.read_bytes()).hexdigest()
    bucket = Bucket(parse_bucket_address(s3.make_bucket()))
    store = S3Store(s3.address.removeprefix("s3://"), client_options={"allow_http": True})
    works: dict[str, Callable[[], object]] = {
        "sent by obstore": lambda: obstore.put(store, "b", sent, chunk_size=_PART_BYTES, max_concurrency=4),
        "sent by ours": lambda: bucket.upload("a", sent),
        "fetched by obstore": lambda: fetched.write_bytes(obstore.get(store, "b").bytes()),
        "fetched by ours, verified": lambda: bucket.download(
            "a", fetched, size_bytes=_FILE_BYTES, sha256=sha256
        ),
    }
    best: dict[str, float] = {}
    for _ in range(_REPEATS):
        for what, work in works.items():
            since = time.monotonic()
            work()
            best[what] = min(best.get(what, float("inf")), time.monotonic() - since)
    for what, seconds in best.items():
        print(f"{what:<28}{_FILE_BYTES / _MEGABYTE / seconds:8.0f} MB/s, best of {_REPEATS}")


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["build", "orders", "speed", "catalogue"])
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--datasets", type=int, default=2_000)
    options = parser.parse_args()
    with serve_s3() as s3, tempfile.TemporaryDirectory() as folder:
        if options.what == "build":
            measure_build(s3, Path(folder), n_cells=options.cells)
        elif options.what == "catalogue":
            measure_catalogue(s3, Path(folder), n_datasets=options.datasets)
        elif options.what == "orders":
            compare_orders(s3, Path(folder))
        else:
            measure_speed(s3, Path(folder))


if __name__ == "__main__":
    _main()
