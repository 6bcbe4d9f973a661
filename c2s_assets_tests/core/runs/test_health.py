from datetime import UTC, datetime

import polars as pl
import pytest

from c2s_assets.core.runs.health import everything_is_fresh, notice_revision, with_ages

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
MIDNIGHT = "2026-11-27T00:00:00+00:00"


def looked_at(**standings: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "dataset_id": list(standings),
            "standing": list(standings.values()),
            "why": [["tables were removed"] for _ in standings],
        }
    )


def before(**standings: str) -> pl.DataFrame:
    return looked_at(**standings).with_columns(pl.lit(MIDNIGHT).alias("stale_since"))


@pytest.mark.parametrize(
    ("was", "is_now", "since", "hours"),
    [
        ("outdated", "outdated", MIDNIGHT, 12),
        ("outdated", "refused", MIDNIGHT, 12),
        ("built", "outdated", "2026-11-27T12:00:00+00:00", 0),
        ("outdated", "built", None, None),
    ],
    ids=["still stale", "stale for another reason", "stale for the first time", "built again"],
)
def test_a_dataset_is_stale_from_the_first_look_that_found_it_so(was, is_now, since, hours):
    (row,) = with_ages(looked_at(a=is_now), before=before(a=was), now=NOW).to_dicts()
    assert (row["stale_since"], row["hours_stale"]) == (since, hours)


def test_a_dataset_that_nobody_looked_at_before_is_stale_from_now_on():
    (row,) = with_ages(looked_at(b="missing"), before=before(a="outdated"), now=NOW).to_dicts()
    assert row["hours_stale"] == 0


@pytest.mark.parametrize(
    ("standing", "listed", "held", "due"),
    [
        ("built", "v2", "v1", "revised"),
        ("built", "v1", "v1", "built"),
        ("built", None, None, "built"),
        ("built", "v1", None, "built"),
        ("refused", "v2", "v1", "refused"),
    ],
    ids=["another version", "the same", "not of Discover", "a file of the user's own", "what is worse"],
)
def test_another_listed_version_is_noticed(standing, listed, held, due):
    row = {"standing": standing, "listed_version": listed, "held_version": held, "why": []}
    noticed = notice_revision(row)
    assert noticed["standing"] == due
    assert noticed["why"] == (["Discover lists version v2, the lake holds v1"] if due == "revised" else [])


def test_a_lake_without_datasets_is_fresh():
    rows = with_ages(looked_at().cast(pl.String), before=before().cast(pl.String), now=NOW)
    assert everything_is_fresh(rows).holds


@pytest.mark.parametrize(("hours", "holds"), [(36.0, True), (36.1, False), (None, True)])
def test_what_is_stale_for_too_long_is_named_with_its_reason(hours, holds):
    rows = looked_at(a="outdated" if hours else "built").with_columns(hours_stale=pl.lit(hours, pl.Float32))
    finding = everything_is_fresh(rows)
    assert finding.holds is holds
    assert ("a, outdated for 36 hours: tables were removed" in finding.message) is not holds


@pytest.mark.parametrize(
    ("standing", "hours", "holds"),
    [("refused", 40.0, False), ("refused", 170.0, True), ("outdated", 170.0, False)],
    ids=["refused lately", "refused a week ago", "not refused"],
)
def test_what_was_refused_is_told_for_a_week_and_hides_no_other_alarm(standing, hours, holds):
    rows = looked_at(a=standing, b="built").with_columns(
        hours_stale=pl.Series([hours, None], dtype=pl.Float32)
    )
    finding = everything_is_fresh(rows)
    assert finding.holds is holds
    assert ("Refused more than a week ago, and left alone: 1 datasets (a)." in finding.message) is holds
