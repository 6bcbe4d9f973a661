"""Pairs of a ligand and a receptor: which table of them fits a dataset, and which of them it measures."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.spatial.columns import IS_MEASURED, LIGAND, NEEDS_CONTACT, PAIR_INDEX, RECEPTOR
from c2s_assets.core.spatial.roles import Roles

# What tables call the two, ours first, then LIANA's and CellPhoneDB's.
_LIGAND_COLUMNS = (LIGAND, "source_genesymbol", "ligand_symbol")
_RECEPTOR_COLUMNS = (RECEPTOR, "target_genesymbol", "receptor_symbol")
_ANNOTATION, _OF_CONTACT = "annotation", "cell-cell contact"
# Between the subunits of a complex.
_SUBUNITS = "_"
# Of 3,989 mouse pairs of LIANA a human dataset of 36,000 genes measures 4 as they are written, and 3,600
# with capitals; a panel measures few of either.
_FEWEST_AS_WRITTEN, _FEWEST_IN_ANOTHER_CASE = 0.1, 5
_SHOWN = 3


@dataclass(frozen=True)
class MeasuredPairs:
    """The pairs of a table that a dataset measures.

    Attributes
    ----------
    pairs
        All pairs: `pair_index` (null unless measured), `ligand`, `receptor`, `needs_contact`, `is_measured`.
    genes
        Symbols of the genes of the measured pairs, in order; `roles` points into them.
    roles
        Those of the measured pairs, in order of `pair_index`.
    """

    pairs: pl.DataFrame
    genes: list[str]
    roles: Roles


def parse_pairs(table: pl.DataFrame, *, source: str) -> pl.DataFrame:
    """Bring a table of pairs into `ligand`, `receptor` and `needs_contact`, each pair once, in its order.

    Parameters
    ----------
    table
        Has columns of texts named `ligand` and `receptor`, or as LIANA names them; and may have an
        `annotation`, of which ``Cell-Cell Contact`` says that a pair needs contact.
    source
        Where it is from, for messages.

    Raises
    ------
    ConfigError
        If it has no such columns, or no pair.
    """
    names = {name.strip().lower(): name for name in table.columns}
    ligand = next((names[name] for name in _LIGAND_COLUMNS if name in names), None)
    receptor = next((names[name] for name in _RECEPTOR_COLUMNS if name in names), None)
    if ligand is None or receptor is None:
        raise ConfigError(
            f"{source} has the columns {', '.join(table.columns) or 'none'}; a table of pairs has ligand and "
            f"receptor. Rename them, or name another table as communication.pairs in datasets.yaml."
        )
    needs_contact = pl.lit(False)
    if _ANNOTATION in names:
        said = pl.col(names[_ANNOTATION]).cast(pl.String)
        needs_contact = said.str.strip_chars().str.to_lowercase().eq(_OF_CONTACT).fill_null(False)
    pairs = (
        table.select(
            pl.col(ligand).cast(pl.String).str.strip_chars().alias(LIGAND),
            pl.col(receptor).cast(pl.String).str.strip_chars().alias(RECEPTOR),
            needs_contact.alias(NEEDS_CONTACT),
        )
        .filter(pl.col(LIGAND).str.len_chars() > 0, pl.col(RECEPTOR).str.len_chars() > 0)
        .unique([LIGAND, RECEPTOR], keep="first", maintain_order=True)
    )
    if pairs.is_empty():
        raise ConfigError(
            f"{source} holds no pair. Name another table as communication.pairs in datasets.yaml."
        )
    return pairs


def match_pairs(pairs: pl.DataFrame, symbols: pl.Series, *, source: str) -> MeasuredPairs:
    """Find the pairs whose genes are measured, all subunits of a complex; those that need contact come last.

    Parameters
    ----------
    pairs
        As `parse_pairs` returns them.
    symbols
        Of the dataset's features; null where a feature has none.

    Raises
    ------
    ConfigError
        If next to none is measured as it is written, beside those that are in another case: they are those
        of another species.
    """
    known = set(symbols.drop_nulls())
    subunits = [
        (_subunits(ligand, known), _subunits(receptor, known))
        for ligand, receptor in pairs.select(LIGAND, RECEPTOR).iter_rows()
    ]
    is_measured = [all(gene in known for gene in (*ligand, *receptor)) for ligand, receptor in subunits]
    _refuse_other_species(subunits, known, n_measured=sum(is_measured), source=source)
    order = sorted(
        np.flatnonzero(is_measured).tolist(), key=pairs[NEEDS_CONTACT].to_list().__getitem__
    )  # stable
    chosen = [subunits[number] for number in order]
    genes = sorted({gene for ligand, receptor in chosen for gene in (*ligand, *receptor)})
    index: list[int | None] = [None] * pairs.height
    for place, number in enumerate(order):
        index[number] = place
    n_far = sum(not pairs[NEEDS_CONTACT][number] for number in order)
    return MeasuredPairs(
        pairs.with_columns(
            pl.Series(PAIR_INDEX, index, dtype=pl.Int32),
            pl.Series(IS_MEASURED, is_measured, dtype=pl.Boolean),
        ),
        genes,
        _roles(chosen, genes, n_far=n_far),
    )


def _subunits(name: str, known: set[str]) -> tuple[str, ...]:
    """Take the name of a complex apart, unless it is the symbol of a gene."""
    return (name,) if name in known else tuple(name.split(_SUBUNITS))


def _refuse_other_species(
    subunits: list[tuple[tuple[str, ...], tuple[str, ...]]], known: set[str], *, n_measured: int, source: str
) -> None:
    folded = {symbol.casefold() for symbol in known}
    n_folded = sum(all(gene.casefold() in folded for gene in (*one, *other)) for one, other in subunits)
    if n_folded < _FEWEST_IN_ANOTHER_CASE or n_measured >= _FEWEST_AS_WRITTEN * n_folded:
        return
    is_mouse = sum(symbol.isupper() for symbol in known) < len(known) / 2
    right = "liana:mouseconsensus" if is_mouse else "liana:consensus"
    theirs = ", ".join("-".join(map("_".join, pair)) for pair in subunits[:_SHOWN])
    raise ConfigError(
        f"the dataset measures {n_measured:,} of the {len(subunits):,} pairs of {source} as they are written "
        f"({theirs}), and {n_folded:,} in another case: they are those of another species. Name those of "
        f"this one as communication.pairs in datasets.yaml, perhaps {right}."
    )


def _roles(chosen: list[tuple[tuple[str, ...], tuple[str, ...]]], genes: list[str], *, n_far: int) -> Roles:
    column = {gene: number for number, gene in enumerate(genes)}
    ligands, receptors = ([[column[gene] for gene in pair[side]] for pair in chosen] for side in (0, 1))
    return Roles(_begins(ligands), _flat(ligands), _begins(receptors), _flat(receptors), n_far)


def _begins(lists: list[list[int]]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.cumsum([0, *map(len, lists)], dtype=np.int64)


def _flat(lists: list[list[int]]) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    return np.array([one for each in lists for one in each], dtype=np.int32)
