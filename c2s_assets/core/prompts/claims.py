"""Claims about training prompts."""

from collections import Counter
from collections.abc import Collection, Mapping

import polars as pl

from c2s_assets.core.findings import Finding
from c2s_assets.core.prompts.audit import GIVES_ANSWER, WRONG_NUMBER
from c2s_assets.core.prompts.templates import all_tasks

_OUR_FAULT = "This is a fault of ours: please report it."
_MOST_NAMED = 5


def no_answer_in_question(found: pl.DataFrame, *, n_records: int, n_left_out: Mapping[str, int]) -> Finding:
    """Claim that no question holds its answer, another name of it, a donor id or a title.

    Parameters
    ----------
    found
        From `audit_prompts`.
    n_left_out
        Records that were not written for this, by what their question held.
    """
    broken = found.filter(rule=GIVES_ANSWER)
    left_out = sum(n_left_out.values())
    why = ", ".join(f"{n:,} for its {kind}" for kind, n in n_left_out.items())
    message = f"None of {n_records:,} questions gives its answer away; {left_out:,} were left out"
    message += f": {why}." if left_out else "."
    if broken.height:
        message = f"{broken.height:,} questions give their answer away: {broken['found'][0]}. {_OUR_FAULT}"
    figures = {"n_records": n_records, "n_left_out": left_out}
    return Finding("no_answer_in_question", broken.is_empty(), message, figures, broken)


def num_genes_is_true(found: pl.DataFrame, *, n_records: int) -> Finding:
    """Claim that `num_genes` is the number of symbols that the sentences of a record hold."""
    broken = found.filter(rule=WRONG_NUMBER)
    message = f"The sentences of {n_records:,} records hold as many symbols as they say."
    if broken.height:
        message = f"{broken.height:,} records are wrong, the first holds {broken['found'][0]}. {_OUR_FAULT}"
    return Finding("num_genes_is_true", broken.is_empty(), message, {"n_records": n_records}, broken)


def every_task_has_prompts(
    tasks: Collection[str], n_records: Mapping[str, int], *, n_without_room: Mapping[str, int], size: int
) -> Finding:
    """Claim that there are prompts of every task that is asked for.

    Parameters
    ----------
    n_without_room
        Records that were not written because not one gene fits into `max_tokens`, by task.
    size
        Cells of a group.
    """
    empty = [name for name in tasks if not n_records.get(name)]
    reasons = [f"{name}, {_reason(name, n_without_room.get(name, 0), size=size)}" for name in empty]
    message = f"There are prompts of all {len(tasks)} tasks."
    if empty:
        message = (
            f"No prompts of {'; '.join(reasons)}. Add the column to the h5ad, or leave the task out of "
            f"prompts.tasks in datasets.yaml."
        )
    figures: Counter[str] = Counter({f"n_{name}": n_records.get(name, 0) for name in tasks})
    return Finding("every_task_has_prompts", not empty, message, figures)


def _reason(name: str, n_without_room: int, *, size: int) -> str:
    if n_without_room:
        return f"as max_tokens has no room for one gene of each cell in {n_without_room:,} of them: raise it"
    task = all_tasks()[name]
    if task.is_of_groups:
        return f"as no known donor has {size} cells of one tissue on one side"
    return f"as no cell with a sentence has a known {task.answer.replace('_', ' ')}"
