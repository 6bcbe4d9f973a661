"""A logger for people at a terminal: what steps say themselves, without Dagster's events and stack traces."""

import logging
import sys

import dagster as dg

from c2s_assets.core.reports.text import terminal_text
from c2s_assets.defs.progress import step_begins

# Of a terminal, the line that shows progress; it is drawn anew below.
_ERASE = "\r\x1b[K"


class _Lines(logging.Handler):
    """Writes to the standard error stream of the moment."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Errors are Dagster's account of steps it skips; who started the run reports failures itself.
        return record.__dict__.get("dagster_event") is None and record.levelno < logging.ERROR

    def emit(self, record: logging.LogRecord) -> None:
        erase = _ERASE if sys.stderr.isatty() else ""
        sys.stderr.write(f"{erase}{self.format(record)}\n")


class _Steps(logging.Handler):
    """Tells who watches which step begins."""

    def emit(self, record: logging.LogRecord) -> None:
        event = record.__dict__.get("dagster_event")
        if event is not None and event.event_type == dg.DagsterEventType.STEP_START:
            step_begins(event.step_key)


class _Short(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta = record.__dict__.get("dagster_meta", {})
        step = meta.get("step_key") or "run"
        return terminal_text(f"  {step}: {meta.get('orig_message', record.getMessage())}")


@dg.logger(config_schema={}, description="What steps say themselves, one line each.")
def terminal(_: dg.InitLoggerContext) -> logging.Logger:
    """Log to the standard error stream."""
    logger = logging.getLogger("c2s_assets.terminal")
    logger.setLevel(logging.DEBUG)  # of which the beginning of a step is
    logger.propagate = False
    if not logger.handlers:
        lines = _Lines(logging.INFO)
        lines.setFormatter(_Short())
        logger.addHandler(lines)
        logger.addHandler(_Steps())
    return logger
