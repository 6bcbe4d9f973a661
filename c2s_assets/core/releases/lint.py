"""What a repository must keep so that the Hub takes it, its viewer shows it and `datasets` loads it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from c2s_assets.core.columns import AGE, AGE_HIGH, AGE_LOW
from c2s_assets.core.findings import Finding

# `docs/hub/repositories-recommendations`.
_MOST_FILES, _MOST_IN_FOLDER, _MOST_FILE_BYTES = 100_000, 10_000, 20 * 10**9
# Of datasets-server, which makes what the viewer shows: FIRST_ROWS_COLUMNS_MAX_NUMBER, what it reads at once
# (it says 286 MiB), SPLIT_NAMES_MAX_NUMBER, CONFIG_NAMES_MAX_NUMBER.
_MOST_COLUMNS, _MOST_GROUP_BYTES, _MOST_SPLITS, MOST_CONFIGS = 1_000, 300 * 10**6, 30, 3_000
# What pandas makes of an index; none of our tables has one.
_PANDAS_INDEX = "__index_level_0__"
# Nobody of any species with cells in a lake is older; what is, was written in months or days.
_OLDEST_YEARS = 150.0


@dataclass(frozen=True)
class FileFacts:
    """What the footer of a Parquet file says.

    Attributes
    ----------
    columns
        Type by name of the column.
    group_bytes
        Of the largest row group, as it is read.
    highest
        The highest value of each column of numbers that has statistics.
    """

    path: str
    n_rows: int
    columns: Mapping[str, str]
    group_bytes: int
    has_page_index: bool
    highest: Mapping[str, float]


@dataclass(frozen=True)
class Config:
    """A config of the card, with the files of each of its splits."""

    name: str
    files: Mapping[str, Sequence[FileFacts]]


def keeps_limits_of_hub(sizes: Mapping[str, int], configs: Sequence[Config]) -> Finding:
    """Claim that the Hub takes the files, and that its viewer can show each config."""
    return _found("keeps_limits_of_hub", [*_beyond_storage(sizes), *_beyond_viewer(configs)], n=len(sizes))


def configs_load(configs: Sequence[Config]) -> Finding:
    """Claim that each config has files, all with the same columns, rows and a page index."""
    problems = [problem for config in configs for problem in _cannot_load(config)]
    return _found("configs_load", problems, n=len(configs))


def footers_are_true(facts: Sequence[FileFacts], counted: Mapping[str, int]) -> Finding:
    """Claim that files hold as many rows as were counted for the certificate, and ages in years."""
    problems = [
        f"{file.path} says that it has {file.n_rows:,} rows, and {counted[file.path]:,} were counted"
        for file in facts
        if file.path in counted and counted[file.path] != file.n_rows
    ]
    problems += [
        f"{file.path}: {name} is up to {file.highest[name]:,.0f}, which are no years: state its unit with "
        f"age_unit in datasets.yaml, and build the dataset again"
        for file in facts
        for name in (AGE, AGE_LOW, AGE_HIGH)
        if file.highest.get(name, 0.0) > _OLDEST_YEARS
    ]
    return _found("footers_are_true", problems, n=len(facts))


def names_nobody(found: Mapping[str, str], *, n_files: int) -> Finding:
    """Claim that no row says whom to contact; `found` is what is wrong with a file, with its column."""
    problems = [
        f"{path}: {what}: take that out of the h5ad, and build the dataset again"
        for path, what in found.items()
    ]
    return _found("names_nobody", problems, n=n_files)


def _beyond_storage(sizes: Mapping[str, int]) -> Iterator[str]:
    if len(sizes) >= _MOST_FILES:
        yield (
            f"there are {len(sizes):,} files, and the Hub recommends fewer than {_MOST_FILES:,}: part the "
            f"release in two"
        )
    folders = Counter(PurePosixPath(path).parent.as_posix() for path in sizes)
    folders += Counter({".": len({path.partition("/")[0] for path in sizes if "/" in path})})
    for folder, n_entries in folders.items():
        if n_entries >= _MOST_IN_FOLDER:
            yield (
                f"{folder} has {n_entries:,} entries, and the Hub recommends fewer than {_MOST_IN_FOLDER:,}: "
                f"part the release in two"
            )
    for path, size_bytes in sizes.items():
        if size_bytes >= _MOST_FILE_BYTES:
            yield (
                f"{path} has {size_bytes / 10**9:,.1f} GB, and the Hub recommends fewer than "
                f"{_MOST_FILE_BYTES // 10**9} GB: publish so large an atlas as a corpus, which is in parts"
            )


def _beyond_viewer(configs: Sequence[Config]) -> Iterator[str]:
    if len(configs) > MOST_CONFIGS:
        yield (
            f"there are {len(configs):,} configs, and the viewer lists at most {MOST_CONFIGS:,}: leave some "
            f"out"
        )
    for config in configs:
        if len(config.files) > _MOST_SPLITS:
            yield (
                f"config {config.name} has {len(config.files)} splits, and the viewer shows at most "
                f"{_MOST_SPLITS}: put some together"
            )
        for file in _first_of_each_width(config):
            yield (
                f"config {config.name}: {file.path} has {len(file.columns):,} columns, and the viewer shows "
                f"at most {_MOST_COLUMNS:,}: leave it out of the configs, or publish the sparse form"
            )
    seen = {file.path: file for config in configs for files in config.files.values() for file in files}
    for file in seen.values():
        if file.group_bytes > _MOST_GROUP_BYTES:
            yield (
                f"{file.path} has a row group of {file.group_bytes / 2**20:,.0f} MiB, and the viewer reads "
                f"at most {_MOST_GROUP_BYTES / 2**20:,.0f} MiB: this is a fault of ours, please report it"
            )


def _first_of_each_width(config: Config) -> list[FileFacts]:
    wide = [file for files in config.files.values() for file in files if len(file.columns) > _MOST_COLUMNS]
    return list({len(file.columns): file for file in reversed(wide)}.values())


def _cannot_load(config: Config) -> Iterator[str]:
    for split, files in config.files.items():
        if not files:
            yield f"config {config.name}: split {split} has no file: leave it out of the card"
    every = [file for files in config.files.values() for file in files]
    for file in every:
        if not file.n_rows:
            yield f"{file.path} has no row, and cannot be loaded: leave it out"
        if not file.has_page_index:
            yield f"{file.path} has no page index, without which single rows cannot be read: write it again"
        if _PANDAS_INDEX in file.columns:
            yield f"{file.path} has a column {_PANDAS_INDEX}, an index of pandas: write it with index=False"
        if dict(file.columns) != dict(every[0].columns):
            differing = sorted(dict(file.columns.items() ^ every[0].columns.items()))
            yield (
                f"config {config.name}: {file.path} and {every[0].path} differ in "
                f"{', '.join(differing[:5])}, and files of a config must have the same columns: put them "
                f"into two configs"
            )


def _found(claim: str, problems: Sequence[str], *, n: int) -> Finding:
    message = f"Nothing found in {n:,}." if not problems else f"{problems[0]}."
    if problems[1:]:
        message = f"{problems[0]}; and {len(problems) - 1:,} more."
    return Finding(claim, not problems, message, {"n_problems": len(problems)})
