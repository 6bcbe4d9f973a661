"""How what goes on for long says what it does: in lines for people, or in JSON, one line for each record."""

import logging
import os
import traceback
from typing import Any

from c2s_assets.core.errors import ConfigError

JSON = "json"
_LOG, _FOR_PEOPLE = "C2S_LOG", "colored"


def log_format() -> str:
    """Name the one of Dagster's formats that `$C2S_LOG` asks for: json, or colored where it is not set.

    Raises
    ------
    ConfigError
        If it asks for another.
    """
    asked = os.environ.get(_LOG, "")
    if asked not in ("", JSON):
        raise ConfigError(
            f"${_LOG} is {asked!r}. Set it to {JSON} for one line of JSON per record, or leave it out for "
            f"lines for people."
        )
    return asked or _FOR_PEOPLE


def write_json(logger: logging.Logger) -> None:
    """Have a logger write as Dagster does in JSON."""
    # Of Dagster 1.13, and not exported; here, as who only keeps tracebacks does without Dagster.
    from dagster._utils.log import get_structlog_json_formatter

    for handler in logger.handlers:
        handler.setFormatter(get_structlog_json_formatter())


def keep_tracebacks() -> None:
    """Where logs are JSON, let records say as text where an error was raised: Dagster 1.13 leaves it out.

    Raises
    ------
    ConfigError
        As `log_format`.
    """
    if log_format() != JSON:
        return
    make = logging.getLogRecordFactory()

    def make_with_traceback(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if record.exc_info and record.exc_info[0] is not None:
            record.__dict__["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return record

    logging.setLogRecordFactory(make_with_traceback)
