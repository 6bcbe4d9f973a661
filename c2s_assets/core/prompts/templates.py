"""What is asked of cells, and in which words: `templates.yaml` beside this module."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl
import yaml

CELLS, ANSWER, ORGANISM, NUM_GENES, N_CELLS = "cells", "answer", "organism", "num_genes", "n_cells"
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Template:
    """One wording: a text with places such as ``{cells}``."""

    text: str

    def fill(self, values: Mapping[str, pl.Expr]) -> pl.Expr:
        """Put the values of each row into their places."""
        # Every other part is the name of a place.
        parts = _PLACE.split(self.text)
        filled = [values[part].cast(pl.String) if n % 2 else pl.lit(part) for n, part in enumerate(parts)]
        return pl.concat_str([part for n, part in enumerate(filled) if n % 2 or parts[n]])

    def fill_with(self, values: Mapping[str, str]) -> str:
        """Put one row's values into their places."""
        return _PLACE.sub(lambda place: values[place[1]], self.text)


@dataclass(frozen=True)
class Task:
    """One thing that is asked.

    Attributes
    ----------
    answer
        The fact that a classification asks for, or that is given where cells are to be written.
    """

    name: str
    answer: str
    prompts: tuple[Template, ...]
    response: Template

    @property
    def is_generation(self) -> bool:
        """Whether the response is cells."""
        return CELLS in _PLACE.findall(self.response.text)

    @property
    def is_of_groups(self) -> bool:
        """Whether it is about several cells."""
        return any(N_CELLS in _PLACE.findall(prompt.text) for prompt in self.prompts)

    def template_id(self, number: int) -> str:
        """Name one of its wordings."""
        return f"{self.name}/{number + 1}"


@cache
def all_tasks() -> Mapping[str, Task]:
    """Read the tasks, by name."""
    content = yaml.safe_load(files(__package__).joinpath("templates.yaml").read_text(encoding="utf-8"))
    return {
        name: Task(name, task["answer"], tuple(map(Template, task["prompts"])), Template(task["response"]))
        for name, task in content.items()
    }
