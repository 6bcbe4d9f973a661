"""The benchmark of kills says of a run which kill it died of, not which was the nearest."""

from typing import Any

import pytest

pytest.importorskip("psycopg2", reason="the extra cluster is not installed")


def _run(sign: str | None) -> dict[str, Any]:
    tags = [] if sign is None else [{"key": "c2s/process", "value": sign}]
    return {"endTime": 200.0, "tags": tags, "stats": {"launchTime": 100.0}}


@pytest.mark.parametrize(
    ("sign", "at"),
    [("a", 120.0), ("b", 180.0), ("c", None), (None, 150.0)],
    ids=["an earlier one", "the last of two that hit it", "hit by none", "lost on its way to a worker"],
)
def test_a_run_died_of_the_last_kill_that_hit_it(sign: str | None, at: float | None) -> None:
    from benchmarks.cluster import Kill, _killer

    kills = [
        Kill("worker", 90.0, frozenset("c")),
        Kill("run", 120.0, frozenset("ab")),
        Kill("Redis", 150.0, frozenset()),
        Kill("Postgres", 180.0, frozenset("b")),
        Kill("daemon", 190.0, frozenset()),
    ]
    found = _killer(_run(sign), kills)
    assert (None if found is None else found.at) == at
