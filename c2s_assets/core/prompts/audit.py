"""Whether written prompts keep what is promised of them, read back by another way than they were written."""

import polars as pl

from c2s_assets.core.columns import NUM_GENES, PROMPT, RESPONSE, TASK, TEMPLATE_ID
from c2s_assets.core.prompts.leaks import LeakFinder
from c2s_assets.core.prompts.templates import all_tasks

GIVES_ANSWER, WRONG_NUMBER = "the question holds no answer", "num_genes is what the sentences hold"
_FOUND = {TASK: pl.String, TEMPLATE_ID: pl.String, "rule": pl.String, "found": pl.String}
# What a line with a sentence begins with: that of one cell, or of one in a group.
_ONE, _OF_SEVERAL = "Cell: ", r"^Cell \d+: "
_BEGINNING = r"^Cell(?: \d+)?: "
_LONGEST_BEGINNING = 12
# The number of genes, of which there are as many as lengths of sentences, and which is no leak.
_NUMBER_OF_GENES = r"\b\d+ (genes|gene|most|ranked|leading)\b"


def audit_prompts(records: pl.DataFrame, finder: LeakFinder, *, symbols: pl.Series) -> pl.DataFrame:
    """List what is wrong with records: `task`, `template_id`, `rule`, `found`.

    Parameters
    ----------
    records
        `task`, `prompt`, `response`, `num_genes`, `template_id` as they were written.
    symbols
        All symbols of the dataset. Another word in a sentence stands where a gene should, and may be a leak.
    """
    numbered = records.select(TASK, PROMPT, RESPONSE, NUM_GENES, TEMPLATE_ID).with_row_index("row")
    is_generation = pl.col(TASK).is_in([name for name, task in all_tasks().items() if task.is_generation])
    answer = pl.when(is_generation.not_()).then(RESPONSE).alias("answer")
    asked, written = _lines(numbered, PROMPT), _lines(numbered.filter(is_generation), RESPONSE)
    questions = asked.filter(pl.col("n_words").is_null()).group_by("row").agg(pl.col("line").str.join(" "))
    sentences = pl.concat([asked, written]).drop_nulls("n_words")
    n_words = sentences.group_by("row").agg(pl.col("n_words").sum())
    judged = numbered.select("row", TASK, TEMPLATE_ID, NUM_GENES, answer)
    return pl.concat(
        [
            _leaks(judged.join(questions, on="row", how="left", maintain_order="left"), finder),
            _wrong_numbers(judged.join(n_words, on="row", how="left", maintain_order="left")),
            _other_words(judged, sentences, symbols),
        ]
    )


def nothing_found() -> pl.DataFrame:
    """Give the columns of what is found, without a row."""
    return pl.DataFrame(schema=_FOUND)


def _lines(records: pl.DataFrame, name: str) -> pl.DataFrame:
    """Take texts apart into lines; count the words of those that are a sentence.

    Several tasks ask about one cell, and each distinct line is looked at once.
    """
    lines = records.select("row", pl.col(name).str.split("\n").alias("line")).explode("line")
    n_spaces = pl.col("line").str.count_matches(" ", literal=True).cast(pl.Int64)
    is_of_several = pl.col("line").str.head(_LONGEST_BEGINNING).str.contains(_OF_SEVERAL)
    is_of_one = pl.col("line").str.starts_with(_ONE)
    counted = pl.when(is_of_one).then(n_spaces).when(is_of_several).then(n_spaces - 1)
    distinct = lines.select("line").unique().with_columns(counted.alias("n_words"))
    return lines.join(distinct, on="line", how="left", maintain_order="left")


def _leaks(judged: pl.DataFrame, finder: LeakFinder) -> pl.DataFrame:
    question = pl.col("line").fill_null("").str.replace_all(_NUMBER_OF_GENES, "$1")
    columns = (TASK, TEMPLATE_ID, "line", "answer")
    # Few of them differ, and to look for numbers in all of them takes longer than all else here.
    distinct = judged.select(columns).unique(maintain_order=True)
    distinct = distinct.with_columns(question).unique(maintain_order=True)
    found = [
        (task, template_id, GIVES_ANSWER, f"{kind} of {answer!r} in {asked!r}")
        for task, template_id, asked, answer in distinct.iter_rows()
        if (kind := finder.find(asked, answer)) is not None
    ]
    return pl.DataFrame(found, schema=_FOUND, orient="row")


def _wrong_numbers(judged: pl.DataFrame) -> pl.DataFrame:
    wrong = judged.filter(pl.col("n_words").fill_null(0) != pl.col(NUM_GENES))
    said = pl.format("{} words, but num_genes is {}", "n_words", NUM_GENES)
    return wrong.select(TASK, TEMPLATE_ID, pl.lit(WRONG_NUMBER).alias("rule"), said.alias("found"))


def _other_words(judged: pl.DataFrame, sentences: pl.DataFrame, symbols: pl.Series) -> pl.DataFrame:
    """Find words of sentences that are no symbols; each distinct line is looked at once."""
    text = pl.col("line").str.replace(_BEGINNING, "")
    lines = sentences.select("row", "line").unique("line", maintain_order=True)
    words = lines.with_columns(text.str.split(" ")).explode("line")
    others = words.filter(pl.col("line").is_in(symbols.implode()).not_())
    said = pl.format("'{}', which is no symbol, in a sentence", "line").alias("found")
    named = judged.join(others, on="row", maintain_order="left")
    return named.select(TASK, TEMPLATE_ID, pl.lit(WRONG_NUMBER).alias("rule"), said)
