"""How a command becomes a worker."""

import os
import sys
from typing import NoReturn

import dagster as dg

from c2s_assets.core.errors import ConfigError
from c2s_assets.defs.logs import log_format
from c2s_assets.defs.workers import worker
from c2s_assets.defs.workers.launching import WorkerLauncher
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.probing import require_sharing


def become_worker(instance: dg.DagsterInstance, layout: Layout) -> NoReturn:
    """Let a worker take the place of this process.

    It starts anew, because of what has been loaded here; see `worker`.

    Raises
    ------
    ConfigError
        If runs of this instance do not go through a queue, or `$C2S_LOG` asks for logs of an unknown kind.
    LakeError
        If the folder of the lake is none for several workers, see `require_sharing`.
    """
    if not isinstance(instance.run_launcher, WorkerLauncher):
        raise ConfigError(
            f"{instance.root_directory}/dagster.yaml: runs of this lake are started by c2s ui itself, on its "
            f"machine, so there is nothing for a worker to take. For several machines see deploy/README.md."
        )
    log_format()
    require_sharing(layout)
    os.execv(sys.executable, [sys.executable, "-m", worker.__name__])  # noqa: S606  our own words
