"""A CELLxGENE Discover of our own on 127.0.0.1: changes when told to, and misbehaves when told to.

In a test::

    with serve_discover() as discover:
        discover.add("atlas", path_or_bytes)
        discover.misbehave("/curation/v1/datasets", "busy", n_times=2, retry_after="1")
        Discover(discover.url).datasets()

As a process, which prints its address and ends by itself::

    python -m c2s_assets_tests.discover --port 0 --seconds 120 --datasets 3 --h5ad toy.h5ad

and does what is posted to it as JSON: the name of a method of `LocalDiscover` in the path, its arguments in
the body, as in ``POST /control/revise {"dataset_id": "atlas", "h5ad": "/path/new.h5ad"}``.
``GET /control/requests`` tells what was asked for and sent.
"""

import argparse
import hashlib
import json
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, get_args

Fault = Literal[
    "busy",  # 429, with Retry-After if told
    "broken",  # 500
    "cut",  # hangs up after 40 % of what it announced
    "short",  # announces and sends ten bytes less than the record says
    "html",  # a page instead of the file
    "slow",  # one byte now and then
    "slow headers",  # likewise, and never comes to the body
    "redirect loop",
    "huge",  # JSON without an end
    "empty",  # a listing of nothing
    "malformed",  # a listing with records in it that are none
    "not a list",  # an object where a listing should be
    "changed",  # a new ETag for the same bytes, and no ranges of the old
]
DATASETS = "/curation/v1/datasets"
COLLECTIONS = "/curation/v1/collections"
MALFORMED: list[Any] = [
    {"dataset_id": "../../etc/passwd", "dataset_version_id": "1", "title": "hostile id"},
    {"dataset_id": 7, "cell_count": "many"},
    {},
    "no record at all",
]
_NAMESPACE = uuid.UUID("00000000-0000-4000-8000-000000000000")
_PIECE = 2**16


@dataclass(frozen=True)
class Version:
    """One version of a dataset, and the file of it."""

    record: dict[str, Any]
    content: Path | bytes


@dataclass
class Misbehaviour:
    """What one path does wrong, and how often it still will."""

    fault: Fault
    n_times: int
    retry_after: str | None


@dataclass
class LocalDiscover:
    """The state of the server; every method may be called while it serves.

    Attributes
    ----------
    n_requests, n_sent
        How often each path was asked for, and how many bytes of bodies were sent under it.
    """

    url: str = ""
    n_requests: Counter[str] = field(default_factory=Counter)
    n_sent: Counter[str] = field(default_factory=Counter)
    _datasets: dict[str, list[Version]] = field(default_factory=dict)  # oldest version first
    _withdrawn: set[str] = field(default_factory=set)
    _unlisted: set[str] = field(default_factory=set)
    _misbehaviours: dict[str, Misbehaviour] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, dataset_id: str, h5ad: Path | str | bytes, **fields: Any) -> str:
        """Publish a dataset; `fields` replace those of its record. Returns its `dataset_version_id`."""
        with self._lock:
            if dataset_id in self._datasets:
                raise ValueError(f"{dataset_id} is there already: revise it")
            self._withdrawn.discard(dataset_id)
            self._datasets[dataset_id] = []
            fields = describe_dataset(dataset_id, position=len(self._datasets) - 1) | fields
            return self._publish(dataset_id, h5ad, fields)

    def revise(self, dataset_id: str, h5ad: Path | str | bytes, **fields: Any) -> str:
        """Publish a new version of a dataset; returns its `dataset_version_id`."""
        with self._lock:
            newest = self._datasets[dataset_id][-1].record
            day = f"2025-06-{len(self._datasets[dataset_id]):02d}T00:00:00+00:00"
            return self._publish(dataset_id, h5ad, newest | {"revised_at": day} | fields)

    def bring_back(self, dataset_id: str, version_id: str) -> None:
        """Offer an earlier version of a dataset again, under the id that it had."""
        with self._lock:
            versions = self._datasets[dataset_id]
            was = next(one for one in versions if one.record["dataset_version_id"] == version_id)
            day = f"2025-07-{len(versions):02d}T00:00:00+00:00"
            versions.append(Version(was.record | {"revised_at": day}, was.content))

    def move(self, dataset_id: str, collection_id: str) -> None:
        """List a dataset in another collection, in the version that it has."""
        with self._lock:
            self._datasets[dataset_id][-1].record["collection_id"] = collection_id

    def withdraw(self, dataset_id: str) -> None:
        """Take a dataset out of the listing; what is asked of it then is answered by 410."""
        with self._lock:
            self._withdrawn.add(dataset_id)

    def restore(self, dataset_id: str) -> None:
        """List a withdrawn dataset again, in its last version."""
        with self._lock:
            self._withdrawn.remove(dataset_id)

    def vanish(self, dataset_id: str) -> None:
        """Leave a dataset out of the listing as if by mistake: its versions can still be asked for."""
        with self._lock:
            self._unlisted.add(dataset_id)

    def generate(self, n_datasets: int, h5ad: Path | str | bytes = b"no file") -> list[str]:
        """Add that many datasets, all with the same file; returns their ids, the same on every call."""
        ids = [str(uuid.uuid5(_NAMESPACE, f"dataset {number}")) for number in range(n_datasets)]
        for dataset_id in ids:
            self.add(dataset_id, h5ad)
        return ids

    def from_catalogue(self, parquet: Path | str, h5ad: Path | str | bytes = b"no file") -> list[str]:
        """Add the datasets and collections of the catalogue of 2025-11, which is among the real data sets."""
        import polars as pl

        rows = pl.read_parquet(parquet).rows(named=True)
        for row in rows:
            names = ("collection_id", "collection_name", "collection_description")
            self.add(row["dataset_id"], h5ad, **{name: row[name] for name in names})
        return [row["dataset_id"] for row in rows]

    def misbehave(self, path: str, fault: Fault, *, n_times: int = 1, retry_after: str | None = None) -> None:
        """Let the next requests of a path go wrong."""
        if fault not in get_args(Fault):
            raise ValueError(f"{fault!r} is not one of {', '.join(get_args(Fault))}")
        with self._lock:
            self._misbehaviours[path] = Misbehaviour(fault, n_times, retry_after)

    def behave(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._misbehaviours.clear()

    def h5ad_path(self, dataset_id: str) -> str:
        """Path below the address at which the newest version's file is."""
        with self._lock:
            return _h5ad_path(self._datasets[dataset_id][-1].record["dataset_version_id"])

    def requests(self) -> dict[str, dict[str, int]]:
        """What was asked for and sent so far, by path."""
        with self._lock:
            return {"n_requests": dict(self.n_requests), "n_sent": dict(self.n_sent)}

    def answer(self, path: str) -> Path | bytes | int:
        """What is at a path now: content, or a status."""
        with self._lock:
            match path.strip("/").split("/"):
                case ["curation", "v1", "datasets"]:
                    return _as_json([version.record for version in self._listed()])
                case ["curation", "v1", "collections"]:
                    return _as_json(self._listed_collections())
                case ["curation", "v1", "datasets", dataset_id, "versions"]:
                    if dataset_id in self._withdrawn:
                        return 410
                    versions = self._datasets.get(dataset_id)
                    return 404 if versions is None else _as_json([v.record for v in reversed(versions)])
                case ["h5ad", name]:
                    return self._contents().get(name, 404)
                case _:
                    return 404

    def fault_of(self, path: str) -> Misbehaviour | None:
        """Take one of the misbehaviours that a path still has to do."""
        with self._lock:
            found = self._misbehaviours.get(path)
            if found is None or found.n_times < 1:
                return None
            found.n_times -= 1
            return found

    def count_request(self, path: str) -> int:
        """Count a request; return how many there were in all."""
        with self._lock:
            self.n_requests[path] += 1
            return sum(self.n_requests.values())

    def count_sent(self, path: str, n_bytes: int) -> None:
        """Count bytes of a body."""
        with self._lock:
            self.n_sent[path] += n_bytes

    def _publish(self, dataset_id: str, h5ad: Path | str | bytes, fields: dict[str, Any]) -> str:
        content = Path(h5ad) if isinstance(h5ad, str) else h5ad
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        versions = self._datasets[dataset_id]
        version_id = str(uuid.uuid5(_NAMESPACE, f"{dataset_id} version {len(versions)}"))
        assets = [
            {"filetype": "RDS", "filesize": size, "url": f"{self.url}/rds/{version_id}.rds"},
            {"filetype": "H5AD", "filesize": size, "url": f"{self.url}{_h5ad_path(version_id)}"},
        ]
        record = fields | {"dataset_version_id": version_id}
        record.setdefault("assets", assets)
        if versions and record["assets"] == versions[-1].record["assets"]:
            record["assets"] = assets  # those of the version before
        versions.append(Version(record, content))
        return version_id

    def _listed(self) -> list[Version]:
        hidden = self._withdrawn | self._unlisted
        return [versions[-1] for name, versions in self._datasets.items() if name not in hidden]

    def _listed_collections(self) -> list[dict[str, Any]]:
        members: dict[str, list[dict[str, Any]]] = {}
        for version in self._listed():
            members.setdefault(version.record["collection_id"], []).append(version.record)
        return [describe_collection(records) for records in members.values()]

    def _contents(self) -> dict[str, Path | bytes]:
        return {
            f"{version.record['dataset_version_id']}.h5ad": version.content
            for name, versions in self._datasets.items()
            if name not in self._withdrawn
            for version in versions
        }


@contextmanager
def serve_discover(
    *, port: int = 0, seconds: float = 120.0, max_requests: int = 20_000
) -> Iterator[LocalDiscover]:
    """Serve within the block; after so many seconds or requests nothing is answered any more."""
    state = LocalDiscover()

    class Handler(_Handler):
        discover, deadline = state, time.monotonic() + seconds

    Handler.max_requests = max_requests
    with _Server(("127.0.0.1", port), Handler) as server:
        Handler.stopped = server.stopped
        state.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            server.stopped.set()
            server.shutdown()
            thread.join()


def describe_dataset(dataset_id: str, *, position: int) -> dict[str, Any]:
    """Describe a dataset as Discover does; what is in it varies with the position; a fifth lack some."""
    organism = _ORGANISMS[position % len(_ORGANISMS)]
    tissue = _TISSUES[position % len(_TISSUES)]
    n_cells = 500 + 137 * position
    collection = position // 3
    record: dict[str, Any] = {
        "dataset_id": dataset_id,
        "collection_id": str(uuid.uuid5(_NAMESPACE, f"collection {collection}")),
        "collection_name": f"Toy collection {collection}",
        "collection_doi": None if collection % 4 == 3 else f"10.1000/toy.{collection}",
        "title": f"Toy dataset {position}: {tissue['label']} of {organism['label']}",
        "cell_count": n_cells,
        "primary_cell_count": n_cells if position % 7 else 0,
        "mean_genes_per_cell": 1234.5 + position,
        "assay": [_term("10x 3' v3", "EFO:0009922")],
        "tissue": [tissue | {"tissue_type": "tissue"}],
        "disease": [_term("normal", "PATO:0000461")]
        if position % 3
        else [_term("normal", "PATO:0000461"), _term("COVID-19", "MONDO:0100096")],
        "organism": [organism],
        "sex": [_term("female", "PATO:0000383"), _term("male", "PATO:0000384")],
        "development_stage": [_STAGES[position % len(_STAGES)]],
        "cell_type": [_term("B cell", "CL:0000236"), _term("T cell", "CL:0000084")],
        "self_reported_ethnicity": [_term("unknown", "unknown")],
        "donor_id": [f"donor_{number}" for number in range(1 + position % 4)],
        "suspension_type": ["cell"] if position % 2 else ["cell", "nucleus"],
        "is_primary_data": [bool(position % 7)],
        "schema_version": "7.0.0" if position % 6 else "5.3.0",
        "published_at": "2024-03-01T00:00:00+00:00",
        "revised_at": None,
        "explorer_url": f"https://cellxgene.example.org/e/{dataset_id}.cxg/",
        "tombstone": False,
        "batch_condition": None,
        "a_field_of_tomorrow": {"nested": [position]},
    }
    if position % 5 == 4:
        for name in ("mean_genes_per_cell", "self_reported_ethnicity", "collection_doi"):
            del record[name]
        record["suspension_type"] = None
    return record


def describe_collection(datasets: list[dict[str, Any]]) -> dict[str, Any]:
    """Describe the collection of some datasets as Discover does, with somebody's e-mail in two places."""
    first = datasets[0]
    doi = first.get("collection_doi")
    publication = {
        "authors": [{"family": "Turing", "given": "Ada"}, {"name": "The Toy Consortium"}],
        "is_preprint": False,
        "journal": "Journal of Toys",
        "published_at": 1709251200.0,
        "published_day": 1,
        "published_month": 3,
        "published_year": 2024,
    }
    return {
        "collection_id": first["collection_id"],
        "collection_version_id": str(uuid.uuid5(_NAMESPACE, f"version of {first['collection_id']}")),
        "collection_url": f"https://cellxgene.example.org/collections/{first['collection_id']}",
        "name": first["collection_name"],
        "description": first.get("collection_description")
        or "Cells of toys. Questions go to ada.turing@example.org or to the consortium.",
        "doi": doi,
        "contact_name": "Ada Turing",
        "contact_email": "ada.turing@example.org",
        "curator_name": "Cura Tor",
        "consortia": ["CZI Cell Science"],
        "links": [{"link_name": "code", "link_type": "OTHER", "link_url": "https://example.org/code"}],
        "publisher_metadata": publication if doi else None,
        "published_at": "2024-03-01T00:00:00+00:00",
        "revised_at": None,
        "created_at": "2024-02-01T00:00:00+00:00",
        "visibility": "PUBLIC",
        "datasets": [{name: record.get(name) for name in _SHORT} for record in datasets],
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.stopped = threading.Event()
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    discover: LocalDiscover
    deadline: float
    max_requests: int
    stopped: threading.Event

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/control/requests":
            self._send(200, _as_json(self.discover.requests()))
            return
        if not self._is_counted(path):
            return
        misbehaviour = self.discover.fault_of(path)
        if misbehaviour is not None:
            self._misbehave(path, misbehaviour)
            return
        found = self.discover.answer(path)
        if isinstance(found, int):
            self._send(found, b'{"detail": "no content"}')
        else:
            self._send_content(found)

    def do_POST(self) -> None:
        names = {"add", "revise", "withdraw", "vanish", "generate", "misbehave", "behave"}
        name = self.path.removeprefix("/control/")
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 2**20))
        if name not in names:
            self._send(404, b"")
            return
        try:
            result = getattr(self.discover, name)(**json.loads(body or b"{}"))
        except (KeyError, OSError, TypeError, ValueError) as error:
            self._send(400, _as_json({"detail": f"{type(error).__name__}: {error}"}))
            return
        self._send(200, _as_json(result))

    def log_message(self, *_: object) -> None:
        pass

    def _is_counted(self, path: str) -> bool:
        n_requests = self.discover.count_request(path)
        return n_requests <= self.max_requests and time.monotonic() < self.deadline

    def _send_content(self, content: Path | bytes, *, etag: str | None = None, is_cut: bool = False) -> None:
        """Send all or the range that is asked for, or 304; hang up after 40 % if it is to be cut."""
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        etag = etag or _etag(content)
        if self.headers.get("If-None-Match") == etag:
            self._send(304, b"", ETag=etag)
            return
        start, status = 0, 200
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.headers.get("If-Range", etag) == etag:
            start, status = int(asked[1]), 206
            if start >= size:
                self._send(416, b"", Content_Range=f"bytes */{size}", ETag=etag)
                return
        self._start(status, size - start, etag, f"bytes {start}-{size - 1}/{size}" if status == 206 else None)
        self._pour(content, start, start + (size - start) * 2 // 5 if is_cut else size)

    def _start(self, status: int, length: int, etag: str, content_range: str | None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("ETag", etag)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", _type_of(self.path))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()

    def _pour(self, content: Path | bytes, start: int, stop: int) -> None:
        with suppress(OSError):  # the client has hung up
            if isinstance(content, bytes):
                for position in range(start, stop, _PIECE):
                    self._write(content[position : min(stop, position + _PIECE)])
                return
            with content.open("rb") as file:
                file.seek(start)
                for position in range(start, stop, _PIECE):
                    self._write(file.read(min(_PIECE, stop - position)))

    def _write(self, piece: bytes) -> None:
        # Counted before it is sent: once a client has a file, all of it has been counted.
        self.discover.count_sent(self.path.partition("?")[0], len(piece))
        self.wfile.write(piece)

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if status != 304:
            with suppress(OSError):
                self.wfile.write(body)

    def _misbehave(self, path: str, misbehaviour: Misbehaviour) -> None:
        if misbehaviour.fault in _BODIES:
            body = _BODIES[misbehaviour.fault]
            self._send(200, body, Content_Type="text/html" if body.startswith(b"<") else "application/json")
            return
        found = self.discover.answer(path)
        content = found if not isinstance(found, int) else b"x" * 1000
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        match misbehaviour.fault:
            case "busy":
                asked = misbehaviour.retry_after
                self._send(429, b"", **({} if asked is None else {"Retry_After": asked}))
            case "broken":
                self._send(500, b"")
            case "cut":
                self._send_content(content, is_cut=True)
            case "short":
                self._send_content(_read(content)[:-10], etag='"short"')
            case "slow":
                self._start(200, size, _etag(content), None)
                self._drip(_read(content))
            case "slow headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                self._drip(b"x" * 10_000)
            case "redirect loop":
                self.discover.misbehave(path, "redirect loop", n_times=misbehaviour.n_times + 1)
                self._send(302, b"", Location=path)
            case "huge":
                self._flood()
            case "malformed":
                self._send(200, _as_json([*json.loads(_read(content)), *MALFORMED]))
            case "changed":
                self._send_content(content, etag=f'"changed {time.monotonic_ns()}"')

    def _drip(self, content: bytes) -> None:
        with suppress(OSError):
            for position in range(len(content)):
                if self.stopped.wait(0.02):
                    return
                self.wfile.write(content[position : position + 1])

    def _flood(self) -> None:
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(b"[")
            for _ in range(2_000):  # 200 MB, if the client takes it
                self._write(b'{"dataset_id": "x"},' * 5_000)


_BODIES: dict[Fault, bytes] = {
    "html": b"<!DOCTYPE html><title>Moved</title>",
    "empty": b"[]",
    "not a list": b'{"detail": "a page of maintenance", "status": 200}',
}


def _read(content: Path | bytes) -> bytes:
    return content.read_bytes() if isinstance(content, Path) else content


def _etag(content: Path | bytes) -> str:
    if isinstance(content, Path):
        found = content.stat()
        return f'"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"'
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _type_of(path: str) -> str:
    return "application/octet-stream" if path.startswith("/h5ad/") else "application/json"


def _h5ad_path(version_id: str) -> str:
    return f"/h5ad/{version_id}.h5ad"


def _as_json(content: object) -> bytes:
    return json.dumps(content).encode()


def _term(label: str, ontology_term_id: str) -> dict[str, str]:
    return {"label": label, "ontology_term_id": ontology_term_id}


_ORGANISMS = (_term("Homo sapiens", "NCBITaxon:9606"), _term("Mus musculus", "NCBITaxon:10090"))
_TISSUES = (
    _term("blood", "UBERON:0000178"),
    _term("lung", "UBERON:0002048"),
    _term("skeletal muscle tissue", "UBERON:0001134"),
)
_STAGES = (
    _term("45-year-old stage", "HsapDv:0000139"),
    _term("3-month-old stage", "MmusDv:0000062"),
    _term("unknown", "unknown"),
)
_SHORT = ("dataset_id", "dataset_version_id", "title", "cell_count", "organism", "tissue", "disease", "assay")


def main() -> None:
    """Serve as a process."""
    parser = argparse.ArgumentParser(prog="python -m c2s_assets_tests.discover")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--datasets", type=int, default=0, help="how many to begin with")
    parser.add_argument("--catalogue", help="parquet of real ids to begin with")
    parser.add_argument("--h5ad", default=b"no file", help="the file of each of them")
    options = parser.parse_args()
    with serve_discover(port=options.port, seconds=options.seconds) as discover:
        discover.generate(options.datasets, options.h5ad)
        if options.catalogue:
            discover.from_catalogue(options.catalogue, options.h5ad)
        print(discover.url, flush=True)  # noqa: T201 whoever started us reads it
        time.sleep(options.seconds)


if __name__ == "__main__":
    main()
