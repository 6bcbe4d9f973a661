"""Where what steps print goes: into files that the UI shows, or straight to the terminal of who runs them."""

from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._serdes import ConfigurableClassData


def leave_output(ref: InstanceRef) -> InstanceRef:
    """Have runs in this process print to the terminal themselves.

    Dagster 1.13 otherwise turns both streams into files and starts four processes per run that show what is
    in them: two of them answer Ctrl-C with a traceback, and nothing knows any more that a terminal is there.
    """
    straight = ConfigurableClassData(NoOpComputeLogManager.__module__, NoOpComputeLogManager.__name__, "{}")
    return ref._replace(compute_logs_data=straight)
