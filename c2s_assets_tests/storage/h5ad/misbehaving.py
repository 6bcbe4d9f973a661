"""Stands in for `rehearsal`: does what the file says instead of reading it."""

import os
import signal
from pathlib import Path

from c2s_assets.storage.h5ad import rehearsal


def main(path: Path, seconds: int, _: str) -> None:
    """Misbehave in the way that is written in the file."""
    rehearsal.limit(seconds)
    match path.read_text():
        case "loop":
            while True:
                pass
        case "sleep":
            signal.pause()
        case "swell":
            held = [bytes(2**20) for _ in range(10_000)]
            raise AssertionError(f"{len(held)} MB were not too much")
        case "raise":
            raise ZeroDivisionError("a fault that nobody thought of")
        case "change":
            path.write_text("changed")
        case name:
            os.kill(os.getpid(), getattr(signal, name))
