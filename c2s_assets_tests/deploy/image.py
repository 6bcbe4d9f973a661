"""What the image of `deploy/` does with the words that a container is started with."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from dagster._cli import create_dagster_cli

_DOCKERFILE = Path(__file__).parents[2] / "deploy" / "Dockerfile"


def dockerfile() -> list[str]:
    """Give its instructions, each on one line."""
    return _DOCKERFILE.read_text().replace("\\\n", "").splitlines()


def parsed_by_dagster(args: Sequence[str]) -> dict[str, Any]:
    """Have the command line of Dagster parse what a container with these arguments runs."""
    program, *rest = [*_entrypoint(), *args]
    assert program == "dagster"
    command: click.Command = create_dagster_cli()
    context = None
    while isinstance(command, click.Group):
        context = click.Context(command, parent=context)
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
    return command.make_context(command.name, rest).params


def _entrypoint() -> list[str]:
    lines = [line for line in dockerfile() if line.startswith("ENTRYPOINT ")]
    return [word for line in lines for word in json.loads(line.removeprefix("ENTRYPOINT "))]
