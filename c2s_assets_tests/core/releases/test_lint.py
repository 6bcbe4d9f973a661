"""The lint of a release refuses each fault that is planted, and says where it is and what to do."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from c2s_assets.core.findings import Finding
from c2s_assets.core.releases.lint import (
    Config,
    FileFacts,
    configs_load,
    footers_are_true,
    keeps_limits_of_hub,
    names_nobody,
)

SOUND = FileFacts("blood/train/0.parquet", 10, {"age": "float"}, 1_000, True, {"age": 80.0})
OTHER = replace(SOUND, path="lung/train/0.parquet")


def config(*files: FileFacts, **splits: Any) -> Config:
    return Config("all", splits or {"train": files})


def test_a_sound_release_passes() -> None:
    configs = [config(SOUND, OTHER)]
    sizes = {SOUND.path: 20 * 10**9 - 1, OTHER.path: 1}
    assert keeps_limits_of_hub(sizes, configs).holds
    assert configs_load(configs).holds
    assert footers_are_true([SOUND], {SOUND.path: 10}).holds
    assert names_nobody({}, n_files=2).holds


SIZES: list[tuple[Mapping[str, int], str]] = [
    (
        {f"d{n}/{n}": 1 for n in range(100_000)},
        "there are 100,000 files, .* fewer than 100,000: part the release",
    ),
    ({f"d/{n}": 1 for n in range(10_000)}, "d has 10,000 entries, .* fewer than 10,000: part the release"),
    ({f"d{n}/x": 1 for n in range(10_000)}, r"\. has 10,000 entries"),
    ({"d/x.parquet": 21 * 10**9}, r"d/x\.parquet has 21\.0 GB, .* fewer than 20 GB"),
]


@pytest.mark.parametrize(("sizes", "message"), SIZES, ids=["files", "in a folder", "folders", "a large file"])
def test_more_than_the_hub_recommends_is_refused(sizes: Mapping[str, int], message: str) -> None:
    refused(keeps_limits_of_hub(sizes, []), message)


VIEWER = [
    (
        [config(replace(SOUND, columns={f"g{n}": "float" for n in range(29_400)}))],
        "config all: blood/train/0.parquet has 29,400 columns, .* at most 1,000: leave it out of the configs",
    ),
    ([config(replace(SOUND, group_bytes=301 * 10**6))], "row group of 287 MiB, .* at most 286 MiB"),
    ([config(**{f"s{n}": [SOUND] for n in range(31)})], "config all has 31 splits, .* at most 30"),
    ([config(SOUND)] * 3_001, "there are 3,001 configs, .* at most 3,000"),
]


@pytest.mark.parametrize(("configs", "message"), VIEWER, ids=["columns", "row group", "splits", "configs"])
def test_what_the_viewer_does_not_show_is_refused(configs: list[Config], message: str) -> None:
    refused(keeps_limits_of_hub({}, configs), message)


LOADING = [
    (config(SOUND, replace(OTHER, n_rows=0)), "lung/train/0.parquet has no row, .* leave it out"),
    (config(replace(SOUND, has_page_index=False)), "has no page index"),
    (
        config(replace(SOUND, columns={"__index_level_0__": "int64"})),
        "has a column __index_level_0__, .* index=False",
    ),
    (
        config(SOUND, replace(OTHER, columns={"age": "string"})),
        "lung/train/0.parquet and blood/train/0.parquet differ in age, .* put them into two configs",
    ),
    (config(train=[SOUND], test=[]), "split test has no file: leave it out of the card"),
]


@pytest.mark.parametrize(
    ("one", "message"), LOADING, ids=["no row", "no page index", "pandas", "two schemas", "no file"]
)
def test_what_cannot_be_loaded_is_refused(one: Config, message: str) -> None:
    refused(configs_load([one]), message)


def test_a_footer_that_lies_is_refused() -> None:
    refused(footers_are_true([SOUND], {SOUND.path: 11}), "has 10 rows, and 11 were counted")


def test_an_age_in_months_is_refused() -> None:
    months = replace(SOUND, highest={"age": 960.0})
    refused(footers_are_true([months], {}), "age is up to 960, which are no years: state its unit")


def test_an_address_is_refused_and_not_repeated() -> None:
    found = {"blood/train/0.parquet": "note holds an e-mail address, in '[e-mail address removed]'"}
    refused(names_nobody(found, n_files=1), "note holds an e-mail address, .*: take that out of the h5ad")


def refused(finding: Finding, message: str) -> None:
    assert not finding.holds
    assert re.search(message, finding.message), finding.message
