"""Whether sentences say what the source says, found by another way than they were written."""

from collections import Counter

import polars as pl
from scipy.sparse import csr_array

from c2s_assets.core.columns import (
    CELL_ID,
    CELL_SENTENCE,
    N_ABOVE_TIES,
    N_EXPRESSED,
    SENTENCE_LENGTH,
    SYMBOL,
)
from c2s_assets.core.genes.symbols import looks_like_ensembl
from c2s_assets.core.sentences.lengths import AUTO, TopN


def audit_sentences(
    sentences: pl.DataFrame, expression: csr_array, features: pl.DataFrame, *, top_n: TopN
) -> pl.DataFrame:
    """Compare sentences with the expression they were made of, cell by cell.

    Parameters
    ----------
    sentences
        `cell_id`, `cell_sentence`, `n_expressed`, `sentence_length`, `n_above_ties` of the cells of
        `expression`, in order.
    expression
        Shape ``(n_obs, n_vars)``, read again from the source.
    features
        `symbol` of each column.

    Returns
    -------
    One row per broken rule: `cell_id`, `rule`, `found`. Empty if every sentence names only expressed
    symbols, each once, never a lower before a higher one, none higher left out, has the length
    ``min(top_n, n_expressed)``, or all above the cell's lowest ties, and counts those above its own.
    """
    symbols = features[SYMBOL].to_list()
    broken: list[dict[str, str]] = []
    rows = sentences.select(CELL_ID, CELL_SENTENCE, N_EXPRESSED, SENTENCE_LENGTH, N_ABOVE_TIES).iter_rows()
    for row, (cell_id, sentence, n_expressed, length, n_above_ties) in enumerate(rows):
        level = _levels(expression, row, symbols)
        words = sentence.split(" ") if sentence else []
        highest = sorted(level.values(), reverse=True)
        due = _above_ties(highest, len(highest)) if top_n == AUTO else min(top_n, len(highest))
        problems = _audit_words(words, level, highest=highest) + _audit_lengths(
            len(words), n_expressed, length, n_symbols=len(level), due=due
        )
        if n_above_ties != (expected := _above_ties(highest, due)):
            found = f"{n_above_ties}, but {expected} stand above the lowest value of several"
            problems.append(("counts the symbols above ties", found))
        broken += [{CELL_ID: cell_id, "rule": rule, "found": found} for rule, found in problems]
    return pl.DataFrame(broken, schema={CELL_ID: pl.String, "rule": pl.String, "found": pl.String})


def ensembl_words(sentences: pl.DataFrame) -> pl.DataFrame:
    """List the words of sentences that are Ensembl ids: `cell_id`, `found`."""
    # Few sentences have one; to take all apart would need several times the memory of the block.
    suspects = sentences.filter(pl.col(CELL_SENTENCE).str.contains(r"ENS[A-Z]*\d{11}"))
    words = suspects.select(CELL_ID, pl.col(CELL_SENTENCE).str.split(" ").alias("found")).explode("found")
    return words.filter(looks_like_ensembl(pl.col("found")))


def _levels(expression: csr_array, row: int, symbols: list[str | None]) -> dict[str, float]:
    """Highest value of each symbol that the cell expresses."""
    start, stop = expression.indptr[row], expression.indptr[row + 1]
    level: dict[str, float] = {}
    columns, values = expression.indices[start:stop].tolist(), expression.data[start:stop].tolist()
    for column, value in zip(columns, values, strict=True):
        symbol = symbols[column]
        if symbol is not None and value > level.get(symbol, 0.0):
            level[symbol] = value
    return level


def _audit_words(words: list[str], level: dict[str, float], *, highest: list[float]) -> list[tuple[str, str]]:
    problems = []
    unexpressed = [word for word in words if word not in level]
    if unexpressed:
        problems.append(("names only expressed symbols", f"{unexpressed[0]!r} is not expressed"))
    repeated = [word for word, n in Counter(words).items() if n > 1]
    if repeated:
        problems.append(("names a symbol once", f"{repeated[0]!r} is repeated"))
    values = [level.get(word, 0.0) for word in words]
    for place, (word, value, expected) in enumerate(zip(words, values, highest, strict=False), start=1):
        if value != expected:
            found = f"word {place}, {word!r}, has {value:g}, but the one due there has {expected:g}"
            problems.append(("orders by expression", found))
            break
    return problems


def _audit_lengths(
    n_words: int, n_expressed: int, length: int, *, n_symbols: int, due: int
) -> list[tuple[str, str]]:
    problems = []
    if n_expressed != n_symbols:
        problems.append(("counts the symbols expressed", f"{n_expressed}, but {n_symbols} are expressed"))
    if not n_words == length == due:
        found = f"{n_words} words and a length of {length}, but {due} are due"
        problems.append(("has as many symbols as top_n says", found))
    return problems


def _above_ties(highest: list[float], n_named: int) -> int:
    """Count the values, which descend, above the last of so many; or all of these if no other is like it."""
    if n_named == 0:
        return 0
    lowest = highest[n_named - 1]
    return highest.index(lowest) if highest.count(lowest) > 1 else n_named
