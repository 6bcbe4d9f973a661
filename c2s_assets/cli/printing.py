"""What commands say: no text of a source is a command to the terminal."""

import re
import shutil
import sys
from pathlib import Path

from c2s_assets.core.reports.text import terminal_text


def say(text: str) -> None:
    """Print what was asked for."""
    print(terminal_text(text))


def remark(text: str) -> None:
    """Print what is to be known beside it, where a file that takes the output does not get it."""
    print(terminal_text(text), file=sys.stderr)


def terminal_width() -> int | None:
    """Letters of a line of the terminal that reads what is said; None where a file or a program does."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def scan_text(folder: Path) -> str:
    """Write how to read a folder of parquet files in Python.

    The folder itself is named, whatever it is called: in `chunk_*.parquet` below it, Polars would take
    brackets of the path for a pattern and `key=value` for a column.
    """
    return f"pl.scan_parquet({str(folder)!r})"


def files_text(folder: Path) -> str:
    """Write how DuckDB names the files of all folders in a folder, whatever that one is called.

    DuckDB takes a pattern only, and in it brackets stand for the letters within.
    """
    literally = re.sub(r"([\[*?{])", r"[\1]", str(folder)).replace("'", "''")
    return f"'{literally}/*/*.parquet'"
