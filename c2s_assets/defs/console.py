"""A logger for people at a terminal: what steps say themselves, and checks that do not hold, as they come.

Dagster's own events and stack traces are left out.
"""

import logging
import sys
from typing import Any

import dagster as dg

from c2s_assets.core.reports.text import ERASE_LINE, from_markdown, terminal_text
from c2s_assets.defs.checks import because_of
from c2s_assets.defs.progress import step_begins


class _Lines(logging.Handler):
    """Writes to the standard error stream of the moment; of broken checks, one for each cause."""

    def __init__(self) -> None:
        super().__init__()
        self._broken: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        event = record.__dict__.get("dagster_event")
        if event is None:
            # Errors are Dagster's account of steps it skips; who started the run reports failures itself.
            return logging.INFO <= record.levelno < logging.ERROR
        check = _broken_check(event)
        if check is None:
            return False
        is_first = because_of(check) not in self._broken
        self._broken.add(check.check_name)
        return is_first

    def emit(self, record: logging.LogRecord) -> None:
        erase = ERASE_LINE if sys.stderr.isatty() else ""
        sys.stderr.write(f"{erase}{self.format(record)}\n")


class _Steps(logging.Handler):
    """Tells who watches which step begins."""

    def emit(self, record: logging.LogRecord) -> None:
        event = record.__dict__.get("dagster_event")
        if event is not None and event.event_type == dg.DagsterEventType.STEP_START:
            step_begins(event.step_key)


class _Short(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        check = _broken_check(record.__dict__.get("dagster_event"))
        if check is not None:
            said = from_markdown(check.description or "")
            return terminal_text(f"  note {check.asset_key.to_user_string()}/{check.check_name}: {said}")
        meta = record.__dict__.get("dagster_meta", {})
        step = meta.get("step_key") or "run"
        return terminal_text(f"  {step}: {meta.get('orig_message', record.getMessage())}")


@dg.logger(config_schema={}, description="What steps say themselves, one line each, and broken checks.")
def terminal(_: dg.InitLoggerContext) -> logging.Logger:
    """Log to the standard error stream."""
    logger = logging.getLogger("c2s_assets.terminal")
    logger.setLevel(logging.DEBUG)  # of which Dagster's events are
    logger.propagate = False
    lines = _Lines()
    lines.setFormatter(_Short())
    logger.handlers = [lines, _Steps()]  # new ones for each run, in which every check is told once
    return logger


def _broken_check(event: Any) -> Any:
    """Return what was found of a check that does not stop its step, if an event is about one."""
    if event is None or event.event_type != dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return None
    check = event.event_specific_data
    is_note = not check.passed and check.severity == dg.AssetCheckSeverity.WARN
    return check if is_note else None
