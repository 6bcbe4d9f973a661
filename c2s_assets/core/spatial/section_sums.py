"""What the cells of a section hear by each pair, all together."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import polars as pl

from c2s_assets.core.spatial import columns as c


def sum_sections(
    rows: Iterable[pl.DataFrame], pairs: pl.DataFrame, n_contacts: Mapping[str, Sequence[int]]
) -> pl.DataFrame:
    """Sum what cells hear, by section and pair.

    Parameters
    ----------
    rows
        Blocks of `section`, `received_pair_index` and `received`.
    pairs
        `pair_index`, `ligand` and `receptor` of the pairs that are measured, in order of their index.
    n_contacts
        By section, how many times a cell hears another one by each pair.

    Returns
    -------
    See schemas.tables.SectionCommunication.
    """
    n_pairs, number = pairs.height, {section: at for at, section in enumerate(n_contacts)}
    sums, n_hearing = np.zeros(len(number) * n_pairs), np.zeros(len(number) * n_pairs, np.int64)
    n_cells = np.zeros(len(number), np.int64)
    for block in rows:
        placed = block.drop_nulls(c.SECTION).with_columns(
            pl.col(c.SECTION).replace_strict(number, return_dtype=pl.Int64)
        )
        n_cells += np.bincount(placed[c.SECTION], minlength=len(number))
        heard = placed.explode(c.RECEIVED_PAIR_INDEX, c.RECEIVED).drop_nulls()
        at = (heard[c.SECTION] * n_pairs + heard[c.RECEIVED_PAIR_INDEX]).to_numpy()
        sums += np.bincount(at, weights=heard[c.RECEIVED].to_numpy(), minlength=len(sums))
        n_hearing += np.bincount(at, minlength=len(sums))
    contacts = np.array([*n_contacts.values()], np.int64).reshape(-1)
    return pl.DataFrame(
        {
            c.SECTION: [section for section in number for _ in range(n_pairs)],
            **{name: pl.concat([pairs[name]] * len(number)) for name in (c.PAIR_INDEX, c.LIGAND, c.RECEPTOR)},
            c.SCORE_SUM: sums,
            c.N_HEARING: n_hearing,
            c.N_CONTACTS: contacts,
            c.SCORE_PER_CELL: sums / np.repeat(np.maximum(n_cells, 1), n_pairs),
            c.SCORE_PER_CONTACT: pl.Series(sums / np.maximum(contacts, 1)).set(
                pl.Series(contacts == 0), None
            ),
        },
    ).with_columns(pl.col(c.SCORE_SUM, c.SCORE_PER_CELL, c.SCORE_PER_CONTACT).cast(pl.Float32))
