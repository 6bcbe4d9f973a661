"""Processes beside the UI: started again if they die, and gone with the UI, like the runs they started."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from c2s_assets.defs.forking import Lifeline, start
from c2s_assets.defs.launching import ProcessLauncher
from c2s_assets.defs.processes import end_dead_runs, end_runs_without_process, is_any_alive
from c2s_assets.defs.ui.output import output_of_others

# One that ends sooner than this, so often in a row, is not started again: something is wrong with it.
_SHORT_SECONDS, _MOST_SHORT_LIVES = 30.0, 3
# What is attached to us kills itself after ten.
_ENDING_SECONDS = 15.0


class Beside:
    """The processes that `keep` has started; made by `run_beside`.

    Parameters
    ----------
    output
        What they write to; None for where this process does.
    """

    def __init__(self, *, output: int | None) -> None:
        self._output = output
        self._is_ending = threading.Event()
        self._keepers: list[threading.Thread] = []
        self.given_up: str | None = None
        self.when_given_up: Callable[[], None] = self._is_ending.set

    def keep(self, name: str, command: Sequence[str]) -> None:
        """Run a module with its arguments, and again whenever it ends by itself; `name` as in `start`."""
        keeper = threading.Thread(target=self._keep, args=(name, command), daemon=True)
        self._keepers.append(keeper)
        keeper.start()

    def end(self) -> None:
        """Wait until all have ended, which is no accident any more."""
        self._is_ending.set()
        deadline = time.monotonic() + _ENDING_SECONDS
        for keeper in self._keepers:
            keeper.join(max(deadline - time.monotonic(), 0))

    def _keep(self, name: str, command: Sequence[str]) -> None:
        n_short = 0
        while not self._is_ending.is_set():
            began = time.monotonic()
            status = start(name, command, output=self._output).wait()
            if self._is_ending.is_set():
                return
            n_short = n_short + 1 if time.monotonic() - began < _SHORT_SECONDS else 0
            said = f"The {name} ended by itself ({status})"
            if n_short >= _MOST_SHORT_LIVES:
                self.given_up = said
                self.when_given_up()
                return
            logging.getLogger("dagster").warning(f"{said} and is started again.")


@contextmanager
def run_beside(instance: dg.DagsterInstance, lifeline: Lifeline) -> Iterator[Beside]:
    """Keep processes running in the block, after which neither they go on nor runs that they started."""
    if isinstance(instance.run_launcher, ProcessLauncher):  # others may start one at any moment
        end_runs_without_process(instance)
    with output_of_others() as output:
        beside = Beside(output=output)
        try:
            yield beside
        finally:
            lifeline.cut()
            beside.end()
            _wait_for_runs(instance, seconds=_ENDING_SECONDS)


def _wait_for_runs(instance: dg.DagsterInstance, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while is_any_alive(instance) and time.monotonic() < deadline:
        time.sleep(0.2)
    end_dead_runs(instance)
