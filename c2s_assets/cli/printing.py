"""What commands say: no text of a source is a command to the terminal."""

import sys

from c2s_assets.core.reports.text import terminal_text


def say(text: str) -> None:
    """Print what was asked for."""
    print(terminal_text(text))


def remark(text: str) -> None:
    """Print what is to be known beside it, where a file that takes the output does not get it."""
    print(terminal_text(text), file=sys.stderr)
