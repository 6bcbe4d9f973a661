"""Pictures for the UI: small PNGs inside Markdown, in colours that colour-blind people can tell apart."""

import base64
from collections.abc import Callable
from io import BytesIO
from typing import Any

import dagster as dg
import polars as pl

from c2s_assets.core.columns import AGE, DONOR_ID, SPLIT, SPLIT_LEVEL
from c2s_assets.core.splits import TEST, TRAIN

# Okabe and Ito (2008), Color Universal Design: told apart by all common kinds of colour vision.
_BLUE, _ORANGE, _GREY = "#0072B2", "#E69F00", "#999999"
_SIDE_COLOURS = {TRAIN: _BLUE, TEST: _ORANGE}
_MOST_BARS = 40

Axes = Any  # matplotlib is imported when the first picture is drawn: it costs 0.4 s


def ages_by_split(cells: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """Draw how many cells each side has of each age, from `age` and `split`; None if no age is known."""
    aged = cells.filter(pl.col(AGE).is_not_null())
    if aged.is_empty():
        return None
    sides = [aged.filter(pl.col(SPLIT) == side)[AGE].to_numpy() for side in _SIDE_COLOURS]

    def draw(axes: Axes) -> None:
        axes.hist(sides, bins=30, stacked=True, color=list(_SIDE_COLOURS.values()), label=list(_SIDE_COLOURS))
        axes.set(xlabel="Age (years)", ylabel="Cells")
        axes.legend(frameon=False)

    return _picture("Ages by split", draw)


def cells_per_donor(manifest: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """Draw how many cells each donor has, and on which side; None if single cells were split."""
    donors = manifest.filter(pl.col(SPLIT_LEVEL) == "donor").sort("n_cells", descending=True).head(_MOST_BARS)
    if donors.is_empty():
        return None

    def draw(axes: Axes) -> None:
        names = donors[DONOR_ID].fill_null("(no donor)").str.slice(0, 14)
        for side, colour in _SIDE_COLOURS.items():
            heights = donors["n_eligible"].to_numpy() * (donors[SPLIT] == side).to_numpy()
            axes.bar(names.to_numpy(), heights, color=colour, label=side)
        left_out = donors["n_cells"] - donors["n_eligible"]
        if left_out.sum():
            axes.bar(
                names.to_numpy(),
                left_out.to_numpy(),
                bottom=donors["n_eligible"].to_numpy(),
                color=_GREY,
                label="left out",
            )
        axes.set(ylabel="Cells")
        axes.tick_params(axis="x", rotation=60)
        axes.legend(frameon=False)

    return _picture("Cells per donor", draw)


def genes_per_cell(n_expressed: pl.Series) -> dg.MarkdownMetadataValue:
    """Draw how many genes with a symbol cells express."""

    def draw(axes: Axes) -> None:
        axes.hist(n_expressed.to_numpy(), bins=50, color=_BLUE)
        axes.axvline(float(n_expressed.median() or 0), color=_ORANGE, label="median")  # type: ignore[arg-type]
        axes.set(xlabel="Genes expressed in a cell", ylabel="Cells")
        axes.legend(frameon=False)

    return _picture("Genes per cell", draw)


def cells_per_category(values: pl.Series) -> dg.MarkdownMetadataValue:
    """Draw how many cells each of the most frequent values of a column has."""
    counts = (
        values.fill_null("(missing)")
        .value_counts(name="n")
        .sort("n", values.name, descending=[True, False])
        .head(_MOST_BARS)
    )

    def draw(axes: Axes) -> None:
        axes.barh(
            counts[values.name].str.slice(0, 40).to_numpy()[::-1], counts["n"].to_numpy()[::-1], color=_BLUE
        )
        axes.set(xlabel="Cells")
        axes.tick_params(axis="y", labelsize=7)

    return _picture(f"Cells per {values.name}", draw, height=max(2.5, 0.18 * counts.height + 1))


def ages(cells: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """Draw how many cells there are of each age; None if no age is known."""
    known = cells[AGE].drop_nulls()
    if known.is_empty():
        return None

    def draw(axes: Axes) -> None:
        axes.hist(known.to_numpy(), bins=30, color=_BLUE)
        axes.set(xlabel="Age (years)", ylabel="Cells")

    return _picture("Ages", draw)


def _picture(title: str, draw: Callable[[Axes], None], *, height: float = 3.2) -> dg.MarkdownMetadataValue:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, height), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.set_title(title, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    png = BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    encoded = base64.b64encode(png.getvalue()).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")
