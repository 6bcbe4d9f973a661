"""Runs go to workers through Redis, those that say so to Kubernetes, and each can be seen to live."""

import json
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
import yaml
from dagster._core.launcher.base import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import pack_value

from c2s_assets.core.errors import ConfigError
from c2s_assets.defs.processes import PROCESS, tags_of_living
from c2s_assets_tests.defs.test_launching import wait_for
from c2s_assets_tests.defs.test_processes import nothing, start
from c2s_assets_tests.deploy.image import parsed_by_dagster

pytest.importorskip("dagster_celery", reason="the extra cluster is not installed")

if TYPE_CHECKING:
    from c2s_assets.defs.workers.launching import WorkerLauncher

# Nobody listens there: what is tested does not ask Redis.
_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def _launcher(instance: dg.DagsterInstance, **settings: Any) -> "WorkerLauncher":
    from c2s_assets.defs.workers.launching import WorkerLauncher

    launcher = WorkerLauncher(_REDIS, **settings)
    launcher.register_instance(instance)
    return launcher


def _run(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRun:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run


def _origin() -> JobPythonOrigin:
    origin = dg.reconstructable(nothing).get_python_origin()
    assert isinstance(origin, JobPythonOrigin)
    return origin


def _to_launch(instance: dg.DagsterInstance, *, launcher: str) -> LaunchRunContext:
    run = instance.create_run_for_job(nothing, tags={"c2s/launcher": launcher}, job_code_origin=_origin())
    return LaunchRunContext(dagster_run=run, workspace=None)


def test_a_run_lives_for_as_long_as_its_process_wherever_that_is(instance: dg.DagsterInstance) -> None:
    launcher = _launcher(instance)
    with tags_of_living(instance) as tags:
        run = _run(instance, start(instance, tags))
        assert launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    assert launcher.check_run_worker_health(run).status == WorkerStatus.NOT_FOUND


def test_terminating_a_run_whose_process_has_gone_ends_it(instance: dg.DagsterInstance) -> None:
    with tags_of_living(instance) as tags:
        run = _run(instance, start(instance, tags))
    launcher = _launcher(instance)
    assert launcher.terminate(run.run_id)
    wait_for(instance, run, dg.DagsterRunStatus.CANCELED)
    assert not launcher.terminate(run.run_id)


@pytest.mark.parametrize("is_under_way", [False, True], ids=["to start", "given to two workers"])
def test_only_the_worker_that_starts_a_run_says_that_it_lives(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, is_under_way: bool
) -> None:
    """Redis may give a task out twice; the second must not pass for the process of the run when it ends."""
    from c2s_assets.defs.workers import worker

    seen: list[str | None] = []

    def execute(run_id: str, instance: dg.DagsterInstance, *_: Any, **__: Any) -> int:
        seen.append(_run(instance, run_id).tags.get(PROCESS))
        return 0

    monkeypatch.setattr(worker, "_execute_run_command_body", execute)
    if is_under_way:
        run_id = start(instance, {PROCESS: "first"})
    else:
        run_id = instance.create_run_for_job(nothing).run_id
    worker.BuildTask().run(pack_value(ExecuteRunArgs(_origin(), run_id, instance.get_ref())))
    assert (seen == ["first"]) == is_under_way
    assert seen[0] is not None


def test_a_worker_sends_a_signal_to_a_child_of_its_own_and_to_nobody_else() -> None:
    from c2s_assets.defs.workers.worker import signal_child

    with subprocess.Popen(["sleep", "60"]) as child, subprocess.Popen(["sleep", "60"]) as other:
        pool = SimpleNamespace(info={"processes": [child.pid]})
        state = SimpleNamespace(consumer=SimpleNamespace(pool=pool))
        machine = socket.gethostname()
        signal_child(state, machine=f"not-{machine}", number=child.pid, how=signal.SIGKILL)
        signal_child(state, machine=machine, number=other.pid, how=signal.SIGKILL)
        signal_child(state, machine=machine, number=child.pid, how=signal.SIGINT)
        assert child.wait(timeout=10) == -signal.SIGINT
        assert other.poll() is None
        other.kill()


def test_a_run_with_the_tag_becomes_a_job_of_kubernetes(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    context = _to_launch(instance, launcher="k8s")
    with _kubernetes(tmp_path / "kubeconfig") as posted:
        here = {"kubeconfig_file": str(tmp_path / "kubeconfig")}
        launcher = _launcher(instance, kubernetes=_settings_of_deploy() | here)
        launcher.launch_run(context)
    [(path, job)] = posted
    assert path == "/apis/batch/v1/namespaces/c2s/jobs"
    pod = job["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["serviceAccountName"] == "c2s"
    assert container["image"] == "c2s-assets:0.1.0"
    assert container["resources"]["limits"] == {"memory": "16Gi"}
    assert container["envFrom"] == [{"secretRef": {"name": "c2s-services"}}]
    assert {"name": "DAGSTER_HOME", "value": "/lake/.dagster"} in container["env"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {"/lake": "lake", "/cache": "cache", "/tmp": "tmp"}  # noqa: S108
    assert {volume["name"] for volume in pod["volumes"]} == set(mounted.values())
    assert "command" not in container
    assert context.dagster_run.run_id in parsed_by_dagster(container["args"])["input_json"]


def _settings_of_deploy() -> dict[str, Any]:
    """What `deploy/dagster.yaml` says of Kubernetes in a comment, for whoever has one."""
    text = (Path(__file__).parents[3] / "deploy" / "dagster.yaml").read_text()
    commented = re.sub("^    # ", "", text[text.index("    # kubernetes:") :], flags=re.MULTILINE)
    return dict(yaml.safe_load(commented.partition("\n\n")[0])["kubernetes"])


def test_a_run_for_kubernetes_where_there_is_none_says_what_to_do(instance: dg.DagsterInstance) -> None:
    with pytest.raises(ConfigError, match="says nothing of Kubernetes"):
        _launcher(instance).launch_run(_to_launch(instance, launcher="k8s"))


def test_a_run_for_a_launcher_that_is_not_there_is_refused(instance: dg.DagsterInstance) -> None:
    with pytest.raises(ConfigError, match="is 'slurm', and there is only 'k8s'"):
        _launcher(instance).launch_run(_to_launch(instance, launcher="slurm"))


@contextmanager
def _kubernetes(kubeconfig: Path) -> Iterator[list[tuple[str, Any]]]:
    """Take what is posted as Kubernetes would; `kubeconfig` says where."""
    posted: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            posted.append((self.path, job))
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(job).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        named = {"clusters": {"server": f"http://127.0.0.1:{server.server_port}"}, "users": {}}
        told: dict[str, Any] = {
            kind: [{"name": "test", kind.removesuffix("s"): said}] for kind, said in named.items()
        }
        told["contexts"] = [{"name": "test", "context": {"cluster": "test", "user": "test"}}]
        kubeconfig.write_text(yaml.safe_dump(told | {"current-context": "test"}))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield posted
        finally:
            server.shutdown()
            thread.join()
