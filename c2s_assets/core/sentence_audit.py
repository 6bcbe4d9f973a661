"""Whether sentences say what the source says, found by another way than they were written."""

import polars as pl
from scipy.sparse import csr_array

from c2s_assets.core.columns import CELL_ID, CELL_SENTENCE, SENTENCE_LENGTH, SYMBOL
from c2s_assets.core.symbols import looks_like_ensembl


def audit_sentences(
    sentences: pl.DataFrame, expression: csr_array, features: pl.DataFrame, *, top_n: int
) -> pl.DataFrame:
    """Compare sentences with the expression they were made of, cell by cell.

    Parameters
    ----------
    sentences
        `cell_id`, `cell_sentence`, `sentence_length` of the cells of `expression`, in order.
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
    for row, (cell_id, sentence, length) in enumerate(
        sentences.select(CELL_ID, CELL_SENTENCE, SENTENCE_LENGTH).iter_rows()
    ):
        start, stop = expression.indptr[row], expression.indptr[row + 1]
        level: dict[str, float] = {}
        for column, value in zip(expression.indices[start:stop], expression.data[start:stop], strict=True):
            symbol = symbols[column]
            if symbol is not None and value > 0:
                level[symbol] = max(level.get(symbol, 0.0), float(value))
        problems = _audit_one(sentence.split(), level, length=length, top_n=top_n)
        broken += [{CELL_ID: cell_id, "rule": rule, "found": found} for rule, found in problems]
    return pl.DataFrame(broken, schema={CELL_ID: pl.String, "rule": pl.String, "found": pl.String})


def ensembl_words(sentences: pl.DataFrame) -> pl.DataFrame:
    """List the words of sentences that are Ensembl ids: `cell_id`, `found`."""
    words = sentences.select(CELL_ID, pl.col(CELL_SENTENCE).str.split(" ").alias("found")).explode("found")
    return words.filter(looks_like_ensembl(pl.col("found")))


def _audit_one(
    words: list[str], level: dict[str, float], *, length: int, top_n: int
) -> list[tuple[str, str]]:
    problems = []
    unexpressed = [word for word in words if word not in level]
    if unexpressed:
        problems.append(("names only expressed symbols", f"{unexpressed[0]} is not expressed"))
    if len(set(words)) < len(words):
        problems.append(("names a symbol once", f"{len(words) - len(set(words))} repeated"))
    expected = min(top_n, len(level))
    if len(words) != expected or length != expected:
        problems.append(("has min(top_n, n_expressed) symbols", f"{len(words)} words, {expected} expected"))
    levels = [level.get(word, 0.0) for word in words]
    if levels != sorted(level.values(), reverse=True)[: len(words)]:
        problems.append(("orders by expression", "a lower symbol comes before a higher one"))
    return problems
