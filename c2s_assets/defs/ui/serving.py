"""Serves the UI, behind the guard, with the daemon beside it: what `dagster dev` does without a guard."""

import fcntl
import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import uvicorn
import yaml

# What `dagster dev` is made of; of Dagster 1.13, and not exported. It starts its code server behind another
# process, which does not notice if that is killed: nothing could be built any more.
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._grpc.client import DagsterGrpcClient
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from c2s_assets.core.errors import C2SError
from c2s_assets.core.pages.addresses import HEALTH, OVERVIEW
from c2s_assets.defs.forking import Lifeline
from c2s_assets.defs.launching import ProcessLauncher
from c2s_assets.defs.logs import keep_tracebacks, log_format
from c2s_assets.defs.service import register_known
from c2s_assets.defs.ui.beside import Beside, run_beside
from c2s_assets.defs.ui.guard import Guard
from c2s_assets.defs.ui.health import health_page
from c2s_assets.defs.ui.overview import overview
from c2s_assets.defs.ui.pages import Pages
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.presence import present
from c2s_assets.storage.lake.probing import require_sharing
from c2s_assets.storage.lake.staging import recover_all

_HOST = "127.0.0.1"
_MODULE = "c2s_assets.definitions"
# As of `dagster-webserver`: for a statement, for a connection to the database, and connections beyond a pool.
_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _MOST_MORE = 15_000, 3_600, 20
_POLL_MILLISECONDS = 2_000
# How long pages may hold their connections before they are cut.
_CLOSING_SECONDS = 3


def serve_ui(instance: dg.DagsterInstance, layout: Layout, *, port: int, lifeline: Lifeline) -> None:
    """Serve the UI until the process is interrupted or asked to end; the daemon ends with it.

    Parameters
    ----------
    lifeline
        From `ready_to_fork`; is cut at the end.

    Raises
    ------
    C2SError
        If the port is none or is taken, another `c2s ui` serves the lake, or what runs beside it ends by
        itself again and again.
    ConfigError
        If `$C2S_LOG` asks for logs of an unknown kind.
    LakeError, MachineError
        If workers of several machines build, and the folder of the lake is none for that.
    """
    _require_free(port)
    log_format()
    _end_when_asked()
    with _only_one(instance, port=port), _beside_others(instance, layout):
        recover_all(layout)
        register_known(instance, layout)
        _start(instance, layout, lifeline, port=port)


@contextmanager
def _only_one(instance: dg.DagsterInstance, *, port: int) -> Iterator[None]:
    """Refuse to serve what another `c2s ui` serves: two daemons would start every run twice."""
    with (Path(instance.root_directory) / ".c2s-ui").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise C2SError(
                f"another c2s ui serves this lake: {file.read().strip()}. Use that one, or stop it first."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()}, http://{_HOST}:{port}")
        file.flush()
        yield


@contextmanager
def _beside_others(instance: dg.DagsterInstance, layout: Layout) -> Iterator[None]:
    """Where workers of other machines build, see that their locks are seen, and let them see ours."""
    if isinstance(instance.run_launcher, ProcessLauncher):
        yield
        return
    require_sharing(layout)
    with present(layout):
        yield


def _start(instance: dg.DagsterInstance, layout: Layout, lifeline: Lifeline, *, port: int) -> None:
    _configure_logs()
    os.environ["DAGSTER_IS_DEV_CLI"] = "1"
    settings = ["--instance-ref", dg.serialize_value(instance.get_ref()), "--log-format", log_format()]
    with TemporaryDirectory() as folder, run_beside(instance, lifeline) as beside:
        address, workspace = str(Path(folder) / "code"), Path(folder) / "workspace.yaml"
        code = ["--module-name", _MODULE, "--location-name", _MODULE, "--working-directory", str(Path.cwd())]
        grpc = ["dagster", "api", "grpc", "--socket", address, "--log-level", "warning"]
        beside.keep("code server", [*grpc, "--lazy-load-user-code", *code, *settings])
        _wait_for_code(beside, address, seconds=instance.code_server_process_startup_timeout)
        place = {"socket": address, "location_name": _MODULE}
        workspace.write_text(yaml.dump({"load_from": [{"grpc_server": place}]}))
        daemon = ["dagster._daemon", "run", "--log-level", "info", "--workspace", str(workspace)]
        beside.keep("daemon", [*daemon, *settings])
        _serve(instance, layout, workspace, beside, port=port)


def _configure_logs() -> None:
    keep_tracebacks()
    configure_loggers(formatter=log_format(), log_level="INFO")
    # What the server says of itself is written with the rest, and in the same way.
    logging.getLogger("uvicorn").handlers = logging.getLogger("dagster").handlers


def _wait_for_code(beside: Beside, address: str, *, seconds: float) -> None:
    """Wait until the code server answers: who asks it earlier takes it for broken."""
    client, deadline = DagsterGrpcClient(socket=address), time.monotonic() + seconds
    while beside.given_up is None and time.monotonic() < deadline:
        try:
            client.ping("")
        except DagsterUserCodeUnreachableError:
            time.sleep(0.1)
        else:
            return
    raise C2SError(
        f"{beside.given_up or 'the code server does not answer'}, so there is nothing to serve. It said why "
        f"above; start it again with: c2s ui"
    )


def _serve(
    instance: dg.DagsterInstance, layout: Layout, workspace: Path, beside: Beside, *, port: int
) -> None:
    instance.optimize_for_webserver(_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _MOST_MORE)
    with WorkspaceProcessContext(
        instance, version=__version__, workspace_load_target=WorkspaceFileTarget([str(workspace)])
    ) as context:
        app = create_app_from_workspace_process_context(context, live_data_poll_rate=_POLL_MILLISECONDS)
        pages = Pages(
            app,
            layout,
            written={
                OVERVIEW: lambda: overview(instance, layout),
                HEALTH: lambda: health_page(instance, layout),
            },
        )
        server = uvicorn.Server(
            uvicorn.Config(
                Guard(pages, port=port),
                host=_HOST,
                port=port,
                log_config=None,
                log_level="warning",
                proxy_headers=False,
                timeout_graceful_shutdown=_CLOSING_SECONDS,
            )
        )

        def end() -> None:
            server.should_exit = True

        beside.when_given_up = end
        logging.getLogger("dagster").info(
            f"Serving the Dagster UI on http://{_HOST}:{port}, and the datasets on "
            f"http://{_HOST}:{port}{OVERVIEW}"
        )
        server.run()
        if beside.given_up is not None:
            raise C2SError(
                f"{beside.given_up} again and again, so the UI was ended as well. It said why above; start "
                f"it again with: c2s ui"
            )


def _end_when_asked() -> None:
    # Also where a script started it with &, which has it ignore SIGINT.
    for asked_to_end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked_to_end, signal.default_int_handler)
    # The terminal was closed. The server knows only the others.
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))


def _require_free(port: int) -> None:
    if not 0 < port < 2**16:
        raise C2SError(f"there is no port {port}. Give one from 1 to 65535, such as: c2s ui --port 3001")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise C2SError(
                f"port {port} of {_HOST} cannot be served: {error.strerror}. Give another one with: "
                f"c2s ui --port 3001"
            ) from error
