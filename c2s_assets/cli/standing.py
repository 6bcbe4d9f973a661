"""`c2s ls` and `c2s show`: how datasets stand."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2s_assets.cli.printing import remark, say, scan_text
from c2s_assets.core.errors import C2SError, LakeError
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place

if TYPE_CHECKING:
    from c2s_assets.defs.service import DatasetStatus
    from c2s_assets.storage.dataset import AssetState, Dataset

_MEGABYTE = 2**20


def list_all(layout: Layout, *, as_json: bool) -> None:
    """Print a few lines of each dataset, or all that is known of all of them as JSON."""
    from c2s_assets.defs.service import list_datasets, open_instance
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.lake.room import free_bytes
    from c2s_assets.storage.sources.inbox import look_into_inbox
    from c2s_assets.storage.unknown_ids import describe_unused, unused_entries

    try:
        with open_instance(layout) as instance:
            statuses = list_datasets(instance, layout)
    except LakeError as error:  # as of a lake that may only be read
        remark(f"c2s: what runs did is not known. {error}")
        statuses = list_datasets(None, layout)
    if as_json:
        say(json.dumps([_plain(status) for status in statuses], indent=1, ensure_ascii=False))
        return
    if not statuses:
        say(f"No dataset in {shown_place(layout, layout.root)} yet. Add one with: c2s add PATH_OR_URL")
    for status in statuses:
        for line in _lines(status):
            say(line)
    if statuses:
        n_bytes = sum(status.size_bytes for status in statuses)
        say(f"{n_bytes / _MEGABYTE:,.1f} MB in all, {free_bytes(layout) / _MEGABYTE:,.0f} MB are free")
    for problem in look_into_inbox(layout)[1]:
        say(problem)
    for problem in describe_unused(layout, unused_entries(layout, read_settings(layout))):
        say(problem)


def show(layout: Layout, dataset_id: str) -> None:
    """Print a page on one dataset: its source, its tables, the checks that do not hold, how to load it.

    Raises
    ------
    MissingInputError
        If the lake holds nothing of it.
    """
    from c2s_assets.storage.dataset import Dataset
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.sources.removal import nothing_called, places_of

    if not places_of(layout, dataset_id):
        raise nothing_called(layout, dataset_id)
    dataset = Dataset(layout, dataset_id, read_settings(layout))
    states = dataset.state()
    for part in (_source(dataset), _tables(states), _checks(states), _loading(dataset, states)):
        for line in part:
            say(line)


def write_page(layout: Layout, dataset_id: str, target: Path) -> None:
    """Copy the page on a dataset, which is written with its validation report, or say what was refused of it.

    Raises
    ------
    MissingInputError
        If nothing is known of it, or the page no longer says how it stands.
    """
    from c2s_assets.schemas.registry import REPORT
    from c2s_assets.storage.dataset import Dataset
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.lake.shapes import present
    from c2s_assets.storage.pages.refusal_page import refusal_page

    dataset = Dataset(layout, dataset_id, read_settings(layout))
    if REPORT in dataset.record().built:
        dataset.path(REPORT)
        page = present(layout.dataset_page(dataset_id)).read_bytes()
    else:
        page = refusal_page(dataset).encode()
    try:
        target.write_bytes(page)
    except OSError as error:
        raise C2SError(f"{target} cannot be written: {error.strerror}. Give another --html.") from error
    say(f"{target.stat().st_size:,} bytes in {target}")


def _lines(status: "DatasetStatus") -> Iterator[str]:
    states = _wanted(status.states or {})
    counts = {kind: sum(one.standing == kind for one in states.values()) for kind in ("built", "outdated")}
    outdated = f", {counts['outdated']} outdated" if counts["outdated"] else ""
    when = f" {status.last_run_at:%Y-%m-%d %H:%M}" if status.last_run_at else ""
    size = f"   {status.size_bytes / _MEGABYTE:,.1f} MB" if status.size_bytes else ""
    yield (
        f"{status.dataset_id:<40} {counts['built']}/{len(states)} built{outdated}   "
        f"last run: {status.last_run or 'none'}{when}{size}"
    )
    missing = [name for name, one in states.items() if one.standing == "missing"]
    if missing and len(missing) < len(states):
        yield f"    not built: {', '.join(missing)}"
    for name, one in states.items():
        if one.standing == "outdated":
            yield f"    outdated: {name}: {'; '.join(one.why)}"
    refused = [f"{name}: {one.refused.message}" for name, one in states.items() if one.refused is not None]
    if status.problem or refused:
        yield f"    {status.problem or '; '.join(refused)}"


def _wanted(states: Mapping[str, "AssetState"]) -> dict[str, "AssetState"]:
    """Leave out tables that have to be asked for, and were not."""
    return {name: state for name, state in states.items() if state.is_wanted}


def _plain(status: "DatasetStatus") -> dict[str, Any]:
    return {
        "dataset_id": status.dataset_id,
        "last_run": status.last_run,
        "last_run_at": status.last_run_at.isoformat(timespec="seconds") if status.last_run_at else None,
        "problem": status.problem,
        "size_bytes": status.size_bytes,
        "tables": {
            name: {
                "standing": state.standing,
                "why": list(state.why),
                "n_rows": None if state.built is None else state.built.n_rows,
                "size_bytes": None if state.built is None else state.built.size_bytes,
                "digest": None if state.built is None else state.built.digest,
                "broken_checks": []
                if state.built is None
                else [c.claim for c in state.built.checks if not c.holds],
                "refused": None if state.refused is None else state.refused.message,
            }
            for name, state in _wanted(status.states or {}).items()
        },
    }


def _source(dataset: "Dataset") -> Iterator[str]:
    yield dataset.dataset_id
    try:
        source = dataset.source
        size = f"{source.size_bytes / _MEGABYTE:,.1f} MB"
        yield f"  {source.n_obs:,} cells, {source.n_vars:,} features of X, {size}"
        yield f"  source   {source.url or 'a file'}, of {source.retrieved_at or 'a time nobody noted'}"
        yield f"  sha256   {source.sha256}"
    except C2SError as error:
        yield f"  {error}"
    try:
        profile = dataset.profile
    except C2SError:
        return
    yield f"  matrix   {profile.layer}: {profile.verdict.kind}"
    if profile.organism:
        yield f"  organism {profile.organism}"
    if dataset.origin.title:
        yield f"  title    {dataset.origin.title}"


def _tables(states: Mapping[str, "AssetState"]) -> Iterator[str]:
    yield ""
    for name, state in _wanted(states).items():
        rows = "" if state.built is None or state.built.n_rows is None else f"{state.built.n_rows:,} rows"
        size = "" if state.built is None else f"{state.built.size_bytes / _MEGABYTE:,.1f} MB"
        digest = "" if state.built is None else state.built.digest[:12]
        yield f"  {name:<24}{state.standing:<10}{rows:>16}{size:>12}   {digest}"
        if state.standing != "built":
            yield f"      {'; '.join(state.why)}"
        if state.refused is not None:
            yield f"      refused: {state.refused.message}"


def _checks(states: Mapping[str, "AssetState"]) -> Iterator[str]:
    from c2s_assets.schemas.registry import REPORT

    checks = [(name, check) for name, state in states.items() if state.built for check in state.built.checks]
    broken = [(name, check) for name, check in checks if not check.holds]
    counted = [check.holds for name, check in checks if name != REPORT]  # as the report itself counts
    yield ""
    yield f"  {counted.count(True)} of {len(counted)} checks hold"
    for name, check in broken:
        yield f"  {'BROKEN' if check.severity == 'ERROR' else 'note  '} {name}/{check.claim}: {check.message}"


def _loading(dataset: "Dataset", states: Mapping[str, "AssetState"]) -> Iterator[str]:
    folder = dataset.layout.dataset(dataset.dataset_id)
    yield ""
    yield f"  in {folder}"
    if states["train_test"].built is not None:
        yield f"  {scan_text(folder / 'train')}"
    if states["expression"].built is not None:
        yield f"  c2s_assets.read_expression({dataset.dataset_id!r}, genes=[...])"
