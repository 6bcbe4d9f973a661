"""What is claimed of the communication of cells."""

from collections.abc import Generator, Iterable, Iterator

import polars as pl

from c2s_assets.core.findings import Finding
from c2s_assets.core.spatial.columns import (
    IS_MEASURED,
    NEEDS_CONTACT,
    RECEIVED,
    SCORE_RECEIVED,
    SCORE_SENT,
    SCORE_SUM,
    SECTION,
    SENDER_INDEX,
    SENDER_SCORE,
    SENT,
)

# A panel of a few hundred genes measures some tens of pairs.
_FEW_PAIRS = 20
_LARGEST_DIFFERENCE = 1e-4


def pairs_are_measured(pairs: pl.DataFrame, *, source: str) -> Finding:
    """Claim that enough pairs of ligand and receptor are measured for sums over them to mean something."""
    n_measured = int(pairs[IS_MEASURED].sum())
    message = f"{n_measured:,} of the {pairs.height:,} pairs of {source} are measured, all subunits of them."
    if n_measured < _FEW_PAIRS:
        message += " Sums over so few say little of a cell; look at single pairs."
    return Finding(
        "pairs_are_measured",
        n_measured >= _FEW_PAIRS,
        message,
        {
            "n_pairs": pairs.height,
            "n_measured": n_measured,
            "n_contact": int(pairs.filter(IS_MEASURED)[NEEDS_CONTACT].sum()),
        },
    )


def sums_match_cells(sums: pl.DataFrame, received: pl.Series) -> Finding:
    """Claim that what sections hear by all pairs is what their cells hear.

    Parameters
    ----------
    sums
        See `sum_sections`.
    received
        `score_received` of all cells.
    """
    of_sections, of_cells = (float(one.cast(pl.Float64).sum()) for one in (sums[SCORE_SUM], received))
    holds = abs(of_sections - of_cells) <= _LARGEST_DIFFERENCE * max(of_sections, of_cells)
    message = f"sections hear {of_sections:,.1f} by all pairs, and cells {of_cells:,.1f}."
    if not holds:
        message += " Build cell_communication and section_communication again."
    return Finding("sums_match_cells", holds, message, {"of_sections": of_sections, "of_cells": of_cells})


class CommunicationTally:
    """Collects from the written rows what its claims are about, block by block.

    Parameters
    ----------
    sections
        Section of every row; null of cells without a place.
    """

    def __init__(self, sections: pl.Series) -> None:
        self._sections = sections
        self._sums = dict.fromkeys((SCORE_RECEIVED, SCORE_SENT, SENDER_SCORE, RECEIVED, SENT), 0.0)
        self._n_edges = self._n_across = 0

    def passing(self, blocks: Iterable[pl.DataFrame]) -> Generator[pl.DataFrame]:
        """Pass blocks through and collect from each, so that the table is read once."""
        for block in blocks:
            self._add(block)
            yield block

    def _add(self, rows: pl.DataFrame) -> None:
        for name in self._sums:
            column = rows[name]
            values = column.explode() if column.dtype == pl.List else column
            self._sums[name] += float(values.cast(pl.Float64).sum())
        edges = rows.select(SECTION, SENDER_INDEX).drop_nulls().explode(SENDER_INDEX).drop_nulls()
        senders = self._sections.gather(edges[SENDER_INDEX])
        self._n_edges += edges.height
        self._n_across += int(edges[SECTION].ne_missing(senders).sum())

    def claims(self) -> Iterator[Finding]:
        """Judge what was collected, once all of the table was read."""
        yield self.stays_in_its_section()
        yield self.what_is_sent_is_received()

    def stays_in_its_section(self) -> Finding:
        """Claim that no cell hears one of another section."""
        message = f"{self._n_edges:,} cells are heard by another, all in the section of the other."
        if self._n_across:
            message = (
                f"{self._n_across:,} of {self._n_edges:,} cells are heard in another section. Build again."
            )
        return Finding("stays_in_its_section", not self._n_across, message, {"n_heard": self._n_edges})

    def what_is_sent_is_received(self) -> Finding:
        """Claim that all that is said is heard: sums over senders, pairs and cells are the same."""
        sums = self._sums
        differ = max(sums.values()) - min(sums.values()) > _LARGEST_DIFFERENCE * max(*sums.values(), 1e-12)
        message = f"what is sent and what is received sum to {sums[SCORE_SENT]:,.1f} both."
        if differ:
            listing = ", ".join(f"{name} {value:,.4g}" for name, value in sums.items())
            message = f"sums that should be one are several: {listing}. Build again."
        return Finding("what_is_sent_is_received", not differ, message, dict(sums))
