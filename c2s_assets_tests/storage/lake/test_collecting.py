"""What is removed from a bucket: nothing that a version, a reader or a build needs."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from c2s_assets.core.errors import LostRaceError
from c2s_assets.schemas.bucket import PublishedFile, PublishedUnit, ShownFile, ShownFiles
from c2s_assets.storage.bucket.bucket import BucketObject, BucketText
from c2s_assets.storage.lake.collecting import collect, is_ours
from c2s_assets.storage.lake.condemned import free_key
from c2s_assets.storage.lake.publication import head_key, read_heads
from c2s_assets.storage.lake.units import CATALOGUE, unit_of_dataset

_AGE = timedelta(days=7)
# What is condemned is known to all who send anything ten minutes later.
_LONGEST = _AGE - timedelta(minutes=10)
_WAITS = [
    timedelta(minutes=4),
    timedelta(hours=1),
    timedelta(days=2),
    timedelta(days=6.99),
    timedelta(days=8),
]
_WORKS = ("send", "name", "hold", "move", "empty", "read", "look", "show", "ask")
_STEP = st.tuples(st.sampled_from(_WORKS), st.integers(0, 2), st.integers(0, 3))
_STEPS = st.lists(
    st.one_of(
        _STEP,
        st.tuples(st.just("wait"), st.just(0), st.integers(0, len(_WAITS) - 1)),
        st.tuples(st.just("collect"), st.lists(_STEP, max_size=8), st.just(0)),
    ),
    max_size=40,
)


class _Bucket:
    """Objects in memory; before each request of `collect` others may do something."""

    address = "s3://lakes"

    def __init__(self) -> None:
        self.texts: dict[str, BucketText] = {}
        self.others: dict[str, BucketObject] = {}
        self.meanwhile: list[Callable[[], None]] = []
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._etags = count()

    def _let_others(self) -> None:
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def read(self, key: str) -> BucketText | None:
        self._let_others()
        return self.texts.get(key)

    def read_all(self, keys: Iterable[str]) -> Iterator[BucketText | None]:
        yield from map(self.read, list(keys))

    def swap(self, key: str, text: str, *, expected: str | None) -> str:
        self._let_others()
        before = self.texts.get(key)
        if expected != (None if before is None else before.etag):
            raise LostRaceError(key)
        self.texts[key] = BucketText(text, f"e{next(self._etags)}")
        return self.texts[key].etag

    def objects(self, prefix: str) -> Iterator[BucketObject]:
        self._let_others()
        of_texts = [BucketObject(key, 1, text.etag, self.now) for key, text in self.texts.items()]
        yield from [one for one in (*of_texts, *self.others.values()) if one.key.startswith(prefix)]

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._let_others()
            self.others.pop(key, None)
            self.texts.pop(key, None)

    def send(self, key: str) -> None:
        """Write an object, unless it is there: then it stays as old as it is."""
        self.others.setdefault(key, BucketObject(key, 1, "", self.now))


@dataclass
class _Model:
    """Writers of three tables of which each has one of four contents; renaming; readers; a catalogue; gc."""

    bucket: Any = field(default_factory=_Bucket)
    sent: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    held: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    readers: list[tuple[str, datetime]] = field(default_factory=list)
    looked: tuple[set[str], datetime] | None = None
    shown: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=count)

    def run(self, what: str, *arguments: Any) -> None:
        def clock() -> float:
            return float(self.bucket.now.timestamp())

        with patch.object(time, "monotonic", clock):
            getattr(self, what)(*arguments)

    def send(self, table: int, content: int) -> None:
        key = free_key(self.bucket, f"datasets/{table}/t/{content:064x}", "f")
        self.bucket.send(key)
        self.sent[table] = key, self.bucket.now

    def name(self, table: int, _: int) -> None:
        key, since = self.sent.pop(table, ("", self.bucket.now))
        if key and self.bucket.now - since < _LONGEST:
            self._publish(table, key)

    def hold(self, table: int, _: int) -> None:
        """Begin to give a table another name, as it is known to be now."""
        if table in (named := self.named()):
            self.held[table] = named[table], self.bucket.now

    def move(self, table: int, other: int) -> None:
        key, since = self.held.pop(table, ("", self.bucket.now))
        if key and self.bucket.now - since < _LONGEST and other % 3 != table:
            self._publish(other % 3, key)

    def empty(self, table: int, _: int) -> None:
        self._publish(table, None)

    def read(self, table: int, _: int) -> None:
        if table in (named := self.named()):
            self.readers.append((named[table], self.bucket.now))

    def look(self, *_: int) -> None:
        """Begin to build a catalogue of what is named now."""
        self.looked = set(self.named().values()), self.bucket.now

    def show(self, *_: int) -> None:
        """Publish the catalogue, whatever was replaced since."""
        if self.looked is None or self.bucket.now - self.looked[1] >= _LONGEST:
            return
        (self.shown, _), self.looked = self.looked, None
        key = f"catalogue/tables/{next(self.numbers):064x}/shown.json"
        files = {
            key: ShownFile(name=key, published=PublishedFile(object=key, size_bytes=1, sha256=""))
            for key in self.shown
        }
        self.bucket.texts[key] = BucketText(ShownFiles(files=files).model_dump_json(), "")
        self._swap(CATALOGUE, {"catalogue/tables/shown.json": key})

    def ask(self, *_: int) -> None:
        self.readers += [(key, self.bucket.now) for key in self.shown]

    def wait(self, _: int, number: int) -> None:
        self.bucket.now += _WAITS[number]

    def collect(self, meanwhile: Sequence[tuple[str, int, int]], _: int) -> None:
        self.bucket.meanwhile = [lambda step=step: self._do_meanwhile(*step) for step in meanwhile]
        collect(self.bucket, now=self.bucket.now, age=_AGE, is_removed=True)
        self.bucket.meanwhile = []

    def _do_meanwhile(self, what: str, table: int, number: int) -> None:
        left, self.bucket.meanwhile = self.bucket.meanwhile, []
        getattr(self, what)(table, number)
        self.bucket.meanwhile = left

    def _publish(self, table: int, key: str | None) -> None:
        self._swap(unit_of_dataset(str(table)), {} if key is None else {f"datasets/{table}/t": key})

    def _swap(self, unit: str, files: dict[str, str]) -> None:
        before = self.bucket.texts.get(head_key(unit))
        published = {name: PublishedFile(object=key, size_bytes=1, sha256="") for name, key in files.items()}
        text = PublishedUnit(files=published).render()
        self.bucket.swap(head_key(unit), text, expected=None if before is None else before.etag)

    def named(self) -> dict[int, str]:
        units = {table: unit_of_dataset(str(table)) for table in range(3)}
        meanwhile, self.bucket.meanwhile = self.bucket.meanwhile, []
        held = read_heads(self.bucket, list(units.values()))
        self.bucket.meanwhile = meanwhile
        return {
            table: kept.object
            for table, unit in units.items()
            if unit in held
            for kept in held[unit].published.files.values()
        }

    def needed(self) -> set[str]:
        now = self.bucket.now
        under_way = (*self.sent.values(), *self.held.values())
        building = {key for key, since in under_way if now - since < _LONGEST}
        reading = {key for key, since in self.readers if now - since < _AGE}
        looked = self.looked
        showing = looked[0] if looked is not None and now - looked[1] < _LONGEST else set()
        return {*self.named().values(), *building, *reading, *self.shown, *showing}


@given(_STEPS)
def test_nothing_is_removed_that_a_version_a_reader_or_a_build_needs(
    steps: list[tuple[str, Any, int]],
) -> None:
    model = _Model()
    for what, table, number in steps:
        model.run(what, table, number)
        assert model.needed() <= model.bucket.others.keys()


def test_what_nothing_names_is_removed_a_week_after_it_was_noticed() -> None:
    model = _Model()
    for content in (0, 1):
        model.run("send", 0, content)
        model.run("name", 0, 0)
    model.run("collect", [], 0)
    assert len(model.bucket.others) == 2
    model.run("wait", 0, 4)
    model.run("collect", [], 0)
    assert set(model.bucket.others) == set(model.named().values())


def test_only_objects_that_we_sent_are_ours() -> None:
    digest = "0" * 64
    assert is_ours(f"datasets/a/train/{digest}/chunk_0000.parquet")
    assert is_ours(f"raw/a/{digest}-0123abcd/a.h5ad")
    for key in ("inbox/dropped.h5ad", "datasets.yaml", f"photos/{digest}/a.png", "published/datasets/a.json"):
        assert not is_ours(key)
