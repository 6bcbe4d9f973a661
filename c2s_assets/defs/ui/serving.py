"""Serves the UI, behind the guard, with the daemon beside it: what `dagster dev` does without a guard."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import uvicorn
import yaml

# What `dagster dev` itself is made of; of Dagster 1.13, and not exported.
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget, WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from c2s_assets.core.errors import C2SError
from c2s_assets.core.pages.addresses import OVERVIEW
from c2s_assets.defs.ui.guard import Guard
from c2s_assets.defs.ui.overview import overview
from c2s_assets.defs.ui.pages import Pages
from c2s_assets.storage.lake.layout import Layout

_HOST = "127.0.0.1"
_MODULE = "c2s_assets.definitions"
# As of `dagster-webserver`: for a statement, for a connection to the database, and connections beyond a pool.
_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _MOST_MORE = 15_000, 3_600, 20
_POLL_MILLISECONDS = 2_000
# How long pages may hold their connections, and how long the daemon may take, before they are cut.
_CLOSING_SECONDS, _ENDING_SECONDS = 3, 30


def serve_ui(instance: dg.DagsterInstance, layout: Layout, *, port: int) -> None:
    """Serve the UI until the process is interrupted or asked to end; the daemon ends with it.

    Raises
    ------
    C2SError
        If the port is none or is taken, or the daemon ends by itself.
    """
    _require_free(port)
    # Also where a script started it with &, which has it ignore SIGINT, and the daemon after it.
    for asked_to_end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked_to_end, signal.default_int_handler)
    configure_loggers(formatter="colored", log_level="INFO")
    os.environ["DAGSTER_IS_DEV_CLI"] = "1"
    code = ModuleTarget(_MODULE, None, str(Path.cwd()), None)
    with (
        TemporaryDirectory() as folder,
        ProxyServerManager(instance, code, code_server_log_level="warning") as servers,
    ):
        workspace = Path(folder) / "workspace.yaml"
        workspace.write_text(yaml.dump({"load_from": servers.get_code_server_specs()}))
        _serve(instance, layout, workspace, port=port)


def _serve(instance: dg.DagsterInstance, layout: Layout, workspace: Path, *, port: int) -> None:
    instance.optimize_for_webserver(_STATEMENT_MILLISECONDS, _RECYCLE_SECONDS, _MOST_MORE)
    with WorkspaceProcessContext(
        instance, version=__version__, workspace_load_target=WorkspaceFileTarget([str(workspace)])
    ) as context:
        app = create_app_from_workspace_process_context(context, live_data_poll_rate=_POLL_MILLISECONDS)
        pages = Pages(app, layout, overview=lambda: overview(instance, layout))
        server = uvicorn.Server(
            uvicorn.Config(
                Guard(pages, port=port),
                host=_HOST,
                port=port,
                log_level="warning",
                proxy_headers=False,
                timeout_graceful_shutdown=_CLOSING_SECONDS,
            )
        )
        with _daemon(workspace, server) as daemon:
            logging.getLogger("dagster").info(
                f"Serving the Dagster UI on http://{_HOST}:{port}, and the datasets on "
                f"http://{_HOST}:{port}{OVERVIEW}"
            )
            server.run()
            if daemon.poll() is not None:
                raise C2SError(
                    f"the Dagster daemon ended by itself ({daemon.returncode}), so the UI was ended as well. "
                    f"It said why above; start it again with: c2s ui"
                )


@contextmanager
def _daemon(workspace: Path, server: uvicorn.Server) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the daemon beside the server, which is ended if the daemon ends."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "--log-level", "info"]
    daemon = subprocess.Popen([*command, "--workspace", str(workspace)])  # noqa: S603  our own words

    def watch() -> None:
        daemon.wait()
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield daemon
    finally:
        daemon.terminate()
        try:
            daemon.wait(timeout=_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()


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
