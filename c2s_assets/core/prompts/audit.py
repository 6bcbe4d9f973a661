"""Whether written prompts keep what is promised of them, read back by another way than they were written."""

import re

import polars as pl

from c2s_assets.core.columns import NUM_GENES, PROMPT, RESPONSE, TASK, TEMPLATE_ID
from c2s_assets.core.prompts.leaks import LeakFinder
from c2s_assets.core.prompts.templates import SENTENCE_LINE, all_tasks

GIVES_ANSWER, WRONG_NUMBER = "the question holds no answer", "num_genes is what the sentences hold"
_FOUND = {TASK: pl.String, TEMPLATE_ID: pl.String, "rule": pl.String, "found": pl.String}
# The number of genes, of which there are as many as lengths of sentences, and which is no leak.
_NUMBER_OF_GENES = r"\b\d+ (genes|gene|most|ranked|leading)\b"


def audit_prompts(records: pl.DataFrame, finder: LeakFinder) -> pl.DataFrame:
    """List what is wrong with records: `task`, `template_id`, `rule`, `found`.

    Parameters
    ----------
    records
        `task`, `prompt`, `response`, `num_genes`, `template_id` as they were written.
    """
    return pl.concat([_leaks(records, finder), _wrong_numbers(records)])


def _leaks(records: pl.DataFrame, finder: LeakFinder) -> pl.DataFrame:
    generating = [name for name, task in all_tasks().items() if task.is_generation]
    question = pl.col(PROMPT).str.replace_all(SENTENCE_LINE, "").str.replace_all(_NUMBER_OF_GENES, "$1")
    answer = pl.when(pl.col(TASK).is_in(generating).not_()).then(RESPONSE)
    distinct = records.select(TASK, TEMPLATE_ID, question.alias("question"), answer.alias("answer")).unique(
        maintain_order=True
    )
    found = []
    for task, template_id, asked, answered in distinct.iter_rows():
        if (kind := finder.find(asked, answered)) is not None:
            shown = re.sub(r"\s+", " ", asked).strip()
            found.append((task, template_id, GIVES_ANSWER, f"{kind} of {answered!r} in {shown!r}"))
    return pl.DataFrame(found, schema=_FOUND, orient="row")


def _wrong_numbers(records: pl.DataFrame) -> pl.DataFrame:
    """Count the words of the lines with sentences: one is what each begins with, or two in a group."""
    tasks = all_tasks()
    generating = [name for name, task in tasks.items() if task.is_generation]
    grouped = [name for name, task in tasks.items() if task.is_of_groups]
    lines = pl.when(pl.col(TASK).is_in(generating)).then(RESPONSE).otherwise(PROMPT)
    counted = records.select(
        TASK,
        TEMPLATE_ID,
        NUM_GENES,
        pl.col(TASK).is_in(grouped).alias("is_grouped"),
        lines.str.extract_all(SENTENCE_LINE).alias("lines"),
    ).with_columns(
        n_words=pl.col("lines").list.join("").str.count_matches(" ", literal=True)
        - pl.col("lines").list.len() * pl.col("is_grouped")
    )
    wrong = counted.filter(pl.col("n_words") != pl.col(NUM_GENES))
    said = pl.format("{} words, but num_genes is {}", "n_words", NUM_GENES)
    return wrong.select(TASK, TEMPLATE_ID, pl.lit(WRONG_NUMBER).alias("rule"), said.alias("found"))
