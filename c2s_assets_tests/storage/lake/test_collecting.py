"""What is removed from a bucket: nothing that a version, a reader or a build needs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from c2s_assets.storage.bucket.bucket import BucketObject
from c2s_assets.storage.lake.collecting import condemn, doomed_of, is_ours

_AGE = timedelta(days=7)
_HOUR = timedelta(hours=1)
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "name", "read", "collect", "wait"]), st.integers(0, 2), st.integers(0, 3)
    ),
    max_size=60,
)


@dataclass
class _Model:
    """Writers that send and then name one of four contents for each of three tables; readers; gc."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    objects: dict[str, BucketObject] = field(default_factory=dict)
    named: dict[int, str] = field(default_factory=dict)
    sent: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    readers: list[tuple[str, datetime]] = field(default_factory=list)
    condemned: dict[str, datetime] = field(default_factory=dict)
    n_keys: int = 0

    def send(self, table: int, content: int) -> None:
        key = f"{table}/{content}"
        if key in self.condemned:  # as `free_key` does
            self.n_keys += 1
            key = f"{key}-{self.n_keys}"
        self.objects[key] = BucketObject(key, 1, "", self.now)
        self.sent[table] = key, self.now

    def name(self, table: int, _: int) -> None:
        key, since = self.sent.pop(table, ("", self.now))
        if key and self.now - since < _AGE:  # no commit takes longer
            self.named[table] = key

    def read(self, table: int, _: int) -> None:
        if table in self.named:
            self.readers.append((self.named[table], self.now))

    def wait(self, _: int, days: int) -> None:
        self.now += timedelta(days=2 * days) + _HOUR

    def collect(self, *_: int) -> None:
        named = set(self.named.values())
        self.condemned = condemn(self.objects, named=named, known=self.condemned, now=self.now)
        for key in doomed_of(self.objects, self.condemned, now=self.now, age=_AGE) - named:
            del self.objects[key]
            del self.condemned[key]

    def needed(self) -> set[str]:
        building = {key for key, since in self.sent.values() if self.now - since < _AGE}
        reading = {key for key, since in self.readers if self.now - since < _AGE}
        return {*self.named.values(), *building, *reading}


@given(_STEPS)
def test_nothing_is_removed_that_a_version_a_reader_or_a_build_needs(
    steps: list[tuple[str, int, int]],
) -> None:
    model = _Model()
    for what, table, number in steps:
        getattr(model, what)(table, number)
        assert model.needed() <= model.objects.keys()


def test_what_nothing_names_is_removed_a_week_after_it_was_noticed() -> None:
    model = _Model()
    for step in ("send", "name"):
        getattr(model, step)(0, 0)
    for step in ("send", "name"):
        getattr(model, step)(0, 1)
    model.collect()
    assert set(model.objects) == {"0/0", "0/1"}
    model.wait(0, 4)
    model.collect()
    assert set(model.objects) == {"0/1"}


def test_only_objects_that_we_sent_are_ours() -> None:
    digest = "0" * 64
    assert is_ours(f"datasets/a/train/{digest}/chunk_0000.parquet")
    assert is_ours(f"raw/a/{digest}-0123abcd/a.h5ad")
    for key in ("inbox/dropped.h5ad", "datasets.yaml", f"photos/{digest}/a.png", "published/datasets/a.json"):
        assert not is_ours(key)
