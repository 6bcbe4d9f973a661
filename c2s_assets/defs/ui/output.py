"""What the processes beside the UI write, where logs are JSON: a line that is no record is made one."""

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from c2s_assets.defs.logs import JSON, log_format

# For what was written before the last process ended.
_ENDING_SECONDS = 5.0


@contextmanager
def output_of_others() -> Iterator[int | None]:
    """Give what others are to write to: None for where this process does, or a pipe that is read meanwhile.

    What a run's steps print is no JSON, nor is what Python says when it breaks off.
    """
    if log_format() != JSON:
        yield None
        return
    heard, told = os.pipe()
    listener = threading.Thread(target=_pass_on, args=(heard,), daemon=True)
    listener.start()
    try:
        yield told
    finally:
        os.close(told)
        listener.join(_ENDING_SECONDS)


def _pass_on(heard: int) -> None:
    """Pass on records, and tell of other lines, until nobody can write any more."""
    with open(heard, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if _is_record(line):
                # As of logging: what cannot be written, on a full disk, is lost, and nobody has to wait.
                with suppress(OSError):
                    sys.stdout.write(line)
                    sys.stdout.flush()
            elif line.strip():
                logging.getLogger("dagster.output").info(line.rstrip())


def _is_record(line: str) -> bool:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and "event" in said and line.endswith("\n")
