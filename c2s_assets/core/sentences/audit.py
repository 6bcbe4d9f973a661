"""Whether sentences say what the source says, found by another way than they were written."""

from collections import Counter

import polars as pl
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID, CELL_SENTENCE, N_EXPRESSED, SENTENCE_LENGTH, SYMBOL
from c2s_assets.core.genes.symbols import looks_like_ensembl


def audit_sentences(
    sentences: pl.DataFrame, expression: csr_array, features: pl.DataFrame, *, top_n: int
) -> pl.DataFrame:
    """Compare sentences with the expression they were made of, cell by cell.

    Parameters
    ----------
    sentences
        `cell_id`, `cell_sentence`, `n_expressed`, `sentence_length` of the cells of `expression`, in order.
    expression
        Shape ``(n_obs, n_vars)``, read again from the source.
    features
        `symbol` of each column.

    Returns
    -------
    One row per broken rule: `cell_id`, `rule`, `found`. Empty if every sentence names only expressed
    symbols, each once, never a lower before a higher one, none higher left out, and has the length
    ``min(top_n, n_expressed)``.
    """
    symbols = features[SYMBOL].to_list()
    broken: list[dict[str, str]] = []
    rows = sentences.select(CELL_ID, CELL_SENTENCE, N_EXPRESSED, SENTENCE_LENGTH).iter_rows()
    for row, (cell_id, sentence, n_expressed, length) in enumerate(rows):
        level = _levels(expression, row, symbols)
        words = sentence.split(" ") if sentence else []
        problems = _audit_words(words, level) + _audit_lengths(
            len(words), n_expressed, length, n_symbols=len(level), top_n=top_n
        )
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
    for column, value in zip(expression.indices[start:stop], expression.data[start:stop], strict=True):
        symbol = symbols[column]
        if symbol is not None and value > 0:
            level[symbol] = max(level.get(symbol, 0.0), float(value))
    return level


def _audit_words(words: list[str], level: dict[str, float]) -> list[tuple[str, str]]:
    problems = []
    unexpressed = [word for word in words if word not in level]
    if unexpressed:
        problems.append(("names only expressed symbols", f"{unexpressed[0]!r} is not expressed"))
    repeated = [word for word, n in Counter(words).items() if n > 1]
    if repeated:
        problems.append(("names a symbol once", f"{repeated[0]!r} is repeated"))
    highest = sorted(level.values(), reverse=True)
    for place, (word, expected) in enumerate(zip(words, highest, strict=False), start=1):
        value = level.get(word, 0.0)
        if value != expected:
            found = f"word {place}, {word!r}, has {value:g}, but the one due there has {expected:g}"
            problems.append(("orders by expression", found))
            break
    return problems


def _audit_lengths(
    n_words: int, n_expressed: int, length: int, *, n_symbols: int, top_n: int
) -> list[tuple[str, str]]:
    problems = []
    if n_expressed != n_symbols:
        problems.append(("counts the symbols expressed", f"{n_expressed}, but {n_symbols} are expressed"))
    expected = min(top_n, n_symbols)
    if not n_words == length == expected:
        found = f"{n_words} words and a length of {length}, but {expected} are due"
        problems.append(("has min(top_n, n_expressed) symbols", found))
    return problems
