"""Runs whose process was killed are ended by whoever looks next; those that live are left alone."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection

import dagster as dg
import pytest

from c2s_assets.defs.processes import end_dead_runs, tags_of_living


@dg.job
def nothing() -> None:
    """A job without steps."""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def start(instance: dg.DagsterInstance, tags: dict[str, str]) -> str:
    run = instance.create_run_for_job(nothing, tags=tags)
    instance.report_engine_event("started", run)
    instance.handle_new_event(
        dg.EventLogEntry(
            error_info=None,
            level="debug",
            user_message="",
            run_id=run.run_id,
            timestamp=0.0,
            job_name=run.job_name,
            dagster_event=dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name),
        )
    )
    return run.run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus | None:
    run = instance.get_run_by_id(run_id)
    return None if run is None else run.status


def _live(settings: str, told: Connection) -> None:
    with (
        dg.DagsterInstance.from_ref(dg.deserialize_value(settings)) as instance,
        tags_of_living(instance) as tags,
    ):
        told.send(tags)
        signal.pause()


def test_the_run_of_a_killed_process_has_failed_and_that_of_a_living_one_goes_on(
    instance: dg.DagsterInstance,
) -> None:
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    other = context.Process(target=_live, args=(dg.serialize_value(instance.get_ref()), there))
    other.start()
    with tags_of_living(instance) as tags:
        mine, others = start(instance, tags), start(instance, here.recv())
        dagsters = start(instance, {})
        end_dead_runs(instance)
        assert status(instance, mine) == status(instance, others) == dg.DagsterRunStatus.STARTED
        os.kill(other.pid or 0, signal.SIGKILL)
        other.join(timeout=30)
        end_dead_runs(instance)
        assert status(instance, mine) == dg.DagsterRunStatus.STARTED
    assert status(instance, others) == dg.DagsterRunStatus.FAILURE
    assert status(instance, dagsters) == dg.DagsterRunStatus.STARTED
