"""A logger for people at a terminal: what steps say themselves, without Dagster's events and stack traces."""

import logging

import dagster as dg

from c2s_assets.core.reports.text import terminal_text


class _FromSteps(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        # Errors are Dagster's account of steps it skips; who started the run reports failures itself.
        return record.__dict__.get("dagster_event") is None and record.levelno < logging.ERROR


class _Short(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta = record.__dict__.get("dagster_meta", {})
        step = meta.get("step_key") or "run"
        return terminal_text(f"  {step}: {meta.get('orig_message', record.getMessage())}")


@dg.logger(config_schema={}, description="What steps say themselves, one line each.")
def terminal(_: dg.InitLoggerContext) -> logging.Logger:
    """Log to the standard error stream."""
    logger = logging.getLogger("c2s_assets.terminal")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.addFilter(_FromSteps())
        handler.setFormatter(_Short())
        logger.addHandler(handler)
    return logger
