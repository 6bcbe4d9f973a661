"""The inbox sensor, called as Dagster calls it."""

import os
from pathlib import Path

import dagster as dg

from c2s_assets.defs.automation.inbox import inbox
from c2s_assets.defs.resources import Store
from c2s_assets.defs.service import list_datasets, register
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.unknown_ids import known_datasets
from c2s_assets_tests.defs.building import Workshop, build_only, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake, write_toy_h5ad


def _tick(layout: Layout, instance: dg.DagsterInstance, cursor: str | None) -> dg.SensorResult:
    """`evaluate_tick` cannot see partitions that the same tick adds, so the sensor is called."""
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, resources={"store": Store(root=str(layout.root))}
    )
    result = inbox(context)
    assert isinstance(result, dg.SensorResult)
    return result


def _start(workshop: Workshop, result: dg.SensorResult) -> dg.DagsterRun:
    """Make the only run that a tick asks for, as the daemon does; it does not run."""
    (request,) = result.run_requests or []
    job = workshop.definitions.resolve_job_def(str(request.job_name))
    tags = {**request.tags, "dagster/partition": request.partition_key or ""}
    return workshop.instance.create_run_for_job(job, tags=tags)


def _start_all(workshop: Workshop, result: dg.SensorResult) -> None:
    """Make the runs that a tick asks for, as `_start`."""
    for request in result.run_requests or []:
        _start(workshop, dg.SensorResult(run_requests=[request]))


def _run(workshop: Workshop, result: dg.SensorResult) -> bool:
    """Make the only run that a tick asks for and run it as far as its cells; tell whether that succeeded."""
    (request,) = result.run_requests or []
    register(workshop.instance, request.partition_key or "")
    done = workshop.definitions.resolve_job_def(str(request.job_name)).execute_in_process(
        instance=workshop.instance,
        partition_key=request.partition_key,
        tags=dict(request.tags),
        asset_selection=[dg.AssetKey(name) for name in ("raw_h5ad", "dataset_profile", "cell_metadata")],
        raise_on_error=False,
    )
    return done.success


def _shown(workshop: Workshop) -> tuple[str | None, str | None, int | None]:
    """What `c2s ls` knows of the only dataset: its last run, its problem, and how many cells are built."""
    (status,) = list_datasets(workshop.instance, workshop.layout)
    cells = status.states and status.states["cell_metadata"].built
    return status.last_run, status.problem, cells and cells.n_rows


def _keys(result: dg.SensorResult) -> list[str | None]:
    return [request.partition_key for request in result.run_requests or []]


def test_a_file_is_built_once_it_has_stopped_changing(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        instance = workshop.instance
        first = _tick(layout, instance, None)
        os.utime(layout.inbox_h5ad("toy"), ns=(1, 1))
        changed = _tick(layout, instance, first.cursor)
        settled = _tick(layout, instance, changed.cursor)
        _start(workshop, settled)
        again = _tick(layout, instance, settled.cursor)

    assert [request.partition_keys for request in first.dynamic_partitions_requests or []] == [["toy"]]
    assert [_keys(result) for result in (first, changed, settled, again)] == [[], [], ["toy"], []]


def test_a_file_that_comes_again_after_it_was_taken_is_built_again(tmp_path: Path) -> None:
    """With the file's version as run key Dagster would drop the second request in silence."""
    layout = make_lake(tmp_path, "toy")
    content, times = layout.inbox_h5ad("toy").read_bytes(), (5, 5)
    with dg.DagsterInstance.ephemeral() as instance:
        cursor, asked = None, []
        for _ in range(2):
            layout.inbox_h5ad("toy").write_bytes(content)
            os.utime(layout.inbox_h5ad("toy"), ns=times)
            for _ in range(2):
                result = _tick(layout, instance, cursor)
                cursor = result.cursor
                asked += [(request.partition_key, request.run_key) for request in result.run_requests or []]
            layout.inbox_h5ad("toy").unlink()
            cursor = _tick(layout, instance, cursor).cursor

    assert asked == [("toy", None), ("toy", None)]


def test_a_file_that_was_taken_by_a_killed_build_is_built_to_its_end(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        instance = workshop.instance
        asked = _tick(layout, instance, _tick(layout, instance, None).cursor)
        run = _start(workshop, asked)
        assert build_only(workshop, "toy", "raw_h5ad", "dataset_profile").success
        under_way = _tick(layout, instance, asked.cursor)
        instance.report_run_failed(run)
        again = _tick(layout, instance, under_way.cursor)

    assert list(layout.inbox.iterdir()) == []
    assert (_keys(under_way), _keys(again)) == ([], ["toy"])
    (request,) = again.run_requests or []
    chosen = {key.to_user_string() for key in request.asset_selection or []}
    assert {"cell_metadata", "train_test"} < chosen
    assert not chosen & {"raw_h5ad", "dataset_profile"}


def test_a_file_that_was_refused_stays_and_the_tick_says_so_until_it_changes(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    whole = write_toy_h5ad(tmp_path / "whole.h5ad").read_bytes()
    waiting = layout.inbox_h5ad("toy")
    with open_workshop(layout) as workshop:
        instance = workshop.instance
        waiting.write_bytes(whole[:1000])
        first = _tick(layout, instance, None)
        waiting.write_bytes(whole[:9000])
        growing = _tick(layout, instance, first.cursor)
        stalled = _tick(layout, instance, growing.cursor)
        assert not _run(workshop, stalled)
        refused = _tick(layout, instance, stalled.cursor)
        last_run, problem, _ = _shown(workshop)
        waiting.write_bytes(whole)
        changed = _tick(layout, instance, refused.cursor)
        complete = _tick(layout, instance, changed.cursor)
        assert _run(workshop, complete)
        settled = _tick(layout, instance, complete.cursor)
        assert _shown(workshop) == ("success", None, 60)

    assert [_keys(tick) for tick in (growing, stalled, refused, changed, complete, settled)] == [
        [], ["toy"], [], [], ["toy"], []
    ]  # fmt: skip
    assert str(refused.skip_reason and refused.skip_reason.skip_message) == (
        "toy: its file was refused, see its last run. It stays in the inbox until it changes."
    )
    assert last_run == "failure"
    assert "toy.h5ad (9,000 bytes) is not a complete HDF5 file" in str(problem)


def test_a_file_that_is_deleted_before_its_build_is_not_asked_for_again_until_it_comes_back(
    tmp_path: Path,
) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        asked = _tick(layout, workshop.instance, _tick(layout, workshop.instance, None).cursor)
        layout.inbox_h5ad("toy").unlink()
        assert not _run(workshop, asked)
        last_run, problem, _ = _shown(workshop)
        gone = _tick(layout, workshop.instance, asked.cursor)
        assert known_datasets(layout) == set()
        drop_toy_h5ad(layout, "toy")
        back = _tick(layout, workshop.instance, gone.cursor)
        settled = _tick(layout, workshop.instance, back.cursor)

    assert [_keys(tick) for tick in (gone, back, settled)] == [[], [], ["toy"]]
    (request,) = gone.dynamic_partitions_requests or []
    assert isinstance(request, dg.DeleteDynamicPartitionsRequest)
    assert request.partition_keys == ["toy"]
    assert "toy: its file is gone, and nothing was built of it." in str(gone.skip_reason)
    assert last_run == "failure"
    assert "there is no file for it" in str(problem)


def test_a_file_that_is_deleted_while_a_run_waits_for_it_leaves_the_list_when_that_has_ended(
    tmp_path: Path,
) -> None:
    layout = make_lake(tmp_path, "toy", "kept")
    with open_workshop(layout) as workshop:
        instance = workshop.instance
        instance.add_dynamic_partitions("datasets", ["toy", "kept", "of somebody"])
        assert build_only(workshop, "kept", "raw_h5ad").success
        asked = _tick(layout, instance, _tick(layout, instance, None).cursor)
        run = _start(workshop, asked)
        layout.inbox_h5ad("toy").unlink()
        waits = _tick(layout, instance, asked.cursor)
        instance.report_run_failed(run)
        gone = _tick(layout, instance, waits.cursor)
        settled = _tick(layout, instance, gone.cursor)

    asked_for = [tick.dynamic_partitions_requests for tick in (waits, gone, settled)]
    assert [[request.partition_keys for request in requests or []] for requests in asked_for] == [
        [], [["toy"]], []
    ]  # fmt: skip


def test_of_twenty_files_at_once_each_is_right(tmp_path: Path) -> None:
    """Three are still being copied, two are deleted and two replaced before they are built."""
    layout = make_lake(tmp_path)
    files = [layout.inbox_h5ad(f"f{n:02d}") for n in range(20)]
    copied, deleted, replaced, whole = files[:3], files[3:5], files[5:7], files[7:]
    for file in files:
        file.write_bytes(b"1")
    with open_workshop(layout) as workshop:
        first = _tick(layout, workshop.instance, None)
        workshop.instance.add_dynamic_partitions("datasets", [file.stem for file in files])
        for file in deleted:
            file.unlink()
        for file in (*copied, *replaced):
            file.write_bytes(b"22")
        second = _tick(layout, workshop.instance, first.cursor)
        _start_all(workshop, second)
        for file in copied:
            file.write_bytes(b"333")
        third = _tick(layout, workshop.instance, second.cursor)
        _start_all(workshop, third)
        fourth = _tick(layout, workshop.instance, third.cursor)

    (added,) = first.dynamic_partitions_requests or []
    (removed,) = second.dynamic_partitions_requests or []
    assert added.partition_keys == [file.stem for file in files]
    assert removed.partition_keys == [file.stem for file in deleted]
    asked = [_keys(tick) for tick in (first, second, third, fourth)]
    assert asked == [[], *([file.stem for file in some] for some in (whole, replaced, copied))]


def test_a_newer_version_that_comes_while_the_first_is_built_is_built_after_it(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        instance = workshop.instance
        asked = _tick(layout, instance, _tick(layout, instance, None).cursor)
        run = _start(workshop, asked)
        assert build_only(workshop, "toy", "raw_h5ad").success
        drop_toy_h5ad(layout, "toy", n_obs=70)
        newer = _tick(layout, instance, asked.cursor)
        busy = _tick(layout, instance, newer.cursor)
        instance.report_run_canceled(run)
        free = _tick(layout, instance, busy.cursor)
        assert _run(workshop, free)
        settled = _tick(layout, instance, free.cursor)
        assert _shown(workshop) == ("success", None, 70)

    assert [_keys(tick) for tick in (newer, busy, free, settled)] == [[], [], ["toy"], []]
    assert list(layout.inbox.iterdir()) == []


def test_a_newer_version_that_its_killed_build_has_taken_is_built_to_its_end(tmp_path: Path) -> None:
    """It came between the request for the first one and the run, so that no run was asked for it."""
    layout = make_lake(tmp_path, "toy")
    with open_workshop(layout) as workshop:
        instance = workshop.instance
        asked = _tick(layout, instance, _tick(layout, instance, None).cursor)
        run = _start(workshop, asked)
        drop_toy_h5ad(layout, "toy", n_obs=70)
        newer = _tick(layout, instance, asked.cursor)
        assert build_only(workshop, "toy", "raw_h5ad").success
        under_way = _tick(layout, instance, newer.cursor)
        instance.report_run_failed(run)
        again = _tick(layout, instance, under_way.cursor)

    assert [_keys(tick) for tick in (newer, under_way, again)] == [[], [], ["toy"]]


def test_a_known_partition_is_not_added_again(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("datasets", ["toy"])
        assert _tick(layout, instance, None).dynamic_partitions_requests == []


def test_a_name_that_must_not_become_a_path_is_left_alone_and_others_go_on(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    (layout.inbox / "has space.h5ad").write_bytes(b"x")
    (layout.inbox / "a..b.h5ad").write_bytes(b"x")
    (layout.inbox / "readme.txt").write_bytes(b"x")
    with dg.DagsterInstance.ephemeral() as instance:
        first = _tick(layout, instance, None)
        second = _tick(layout, instance, first.cursor)

    assert [request.partition_keys for request in first.dynamic_partitions_requests or []] == [["toy"]]
    assert _keys(second) == ["toy"]


def test_an_empty_or_missing_inbox_asks_for_nothing(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = _tick(Layout(tmp_path / "nowhere"), instance, None)

    assert _keys(result) == []
    assert result.dynamic_partitions_requests == []


def test_a_file_under_way_is_not_seen(tmp_path: Path) -> None:
    """`c2s add` writes beside and renames, under a name that the inbox does not look for."""
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy").rename(layout.inbox / ".toy-1234.part")
    with dg.DagsterInstance.ephemeral() as instance:
        result = _tick(layout, instance, None)

    assert result.dynamic_partitions_requests == []
