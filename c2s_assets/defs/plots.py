"""Pictures for the UI: small PNGs inside Markdown, in colours that colour-blind people can tell apart."""

import base64
import warnings
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from typing import Any

import dagster as dg
import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.columns import AGE, CELL_TYPE, DONOR_ID, DONOR_UID, SPLIT, SPLIT_LEVEL
from c2s_assets.core.reports.palette import BLUE, GREY, GROUP_COLOURS, ORANGE, SIDE_COLOURS
from c2s_assets.core.reports.text import as_markdown, one_line, plot_text
from c2s_assets.core.sentences.fidelity import Fidelity
from c2s_assets.core.sentences.information import IS_CHANCE, IS_EXPRESSION, share_of_cells_by_place
from c2s_assets.core.spatial.sample import SpatialSample
from c2s_assets.core.splits.manifest import BY_CELL

_MOST_BARS = 40
_NO_SIDE = "no side"
_MOST_VALUES = 4_000
# On a logarithmic axis of less there may be no round number, and on one of more not all of 1, 2, 5 have room.
_LEAST_RATIO, _FEW_DECADES, _MOST_DECADES = 3, 2, 6
_MOST_GROUPS = len(GROUP_COLOURS)
_LONGEST_LABEL, _LONGEST_DONOR, _LONGEST_TITLE = 30, 14, 60

Axes = Any  # matplotlib is imported when the first picture is drawn: it costs 0.4 s


def ages_by_split(cells: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """Draw how many cells each side has of each age, from `age` and `split`; None if no age is known."""
    aged = cells.filter(pl.col(AGE).is_not_null())
    if aged.is_empty():
        return None
    sides = [aged.filter(pl.col(SPLIT) == side)[AGE].to_numpy() for side in SIDE_COLOURS]

    def draw(axes: Axes) -> None:
        edges = np.histogram_bin_edges(np.concatenate(sides), bins=30)
        baseline = np.zeros(30)
        for values, (side, colour) in zip(sides, SIDE_COLOURS.items(), strict=True):
            top = baseline + np.histogram(values, edges)[0]
            axes.stairs(top, edges, baseline=baseline, fill=True, color=colour, label=side)
            baseline = top
        axes.set(xlabel="Age (years)", ylabel="Cells")
        _add_legend(axes)

    return _picture("Ages by split", draw)


def cells_per_donor(manifest: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """Draw how many cells each donor has, and on which side; None if single cells were split."""
    donors = manifest.filter(pl.col(SPLIT_LEVEL) != BY_CELL).sort("n_cells", descending=True).head(_MOST_BARS)
    if donors.is_empty():
        return None

    def draw(axes: Axes) -> None:
        names = donors[DONOR_ID].fill_null("(no donor)")
        positions = range(donors.height)
        for side, colour in SIDE_COLOURS.items():
            heights = donors["n_eligible"].to_numpy() * (donors[SPLIT] == side).fill_null(False).to_numpy()
            axes.bar(positions, heights, color=colour, label=side)
        left_out = donors["n_cells"] - donors["n_eligible"]
        if left_out.sum():
            axes.bar(
                positions,
                left_out.to_numpy(),
                bottom=donors["n_eligible"].to_numpy(),
                color=GREY,
                label="left out",
            )
        axes.set(ylabel="Cells")
        axes.set_xticks(positions, _labels(names, longest=_LONGEST_DONOR))
        axes.tick_params(axis="x", rotation=90, labelsize=7)
        _add_legend(axes)

    return _picture("Cells per donor", draw, has_names=True)


def cells_per_donor_and_type(rows: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """Draw how many cells each donor has of each type, from `donor_uid`, `cell_type` and `n_cells`.

    Those with most cells are shown; white is none. None if there is no row.
    """
    if rows.is_empty():
        return None
    named = rows.select(DONOR_UID, pl.col(CELL_TYPE).fill_null("(no type)"), pl.col("n_cells"))
    donors, types = (_with_most_cells(named, name) for name in (DONOR_UID, CELL_TYPE))
    shown = named.join(donors, on=DONOR_UID).join(types, on=CELL_TYPE)
    n_cells = np.zeros((types.height, donors.height))
    places = tuple(shown[f"place_of_{name}"].to_numpy() for name in (CELL_TYPE, DONOR_UID))
    np.add.at(n_cells, places, shown["n_cells"].to_numpy())
    donor_ids = [str(uid).split("/", 1)[-1] for uid in donors[DONOR_UID]]

    def draw(axes: Axes) -> None:
        squares = axes.pcolormesh(np.where(n_cells > 0, n_cells, np.nan), norm="log", cmap="viridis_r")
        squares.set_clim(1, max(10, n_cells.max()))
        axes.figure.colorbar(squares, ax=axes, label="Cells", format="{x:,.0f}")
        axes.set_xticks(np.arange(donors.height) + 0.5, _labels(donor_ids, longest=_LONGEST_DONOR))
        axes.set_yticks(np.arange(types.height) + 0.5, _labels(types[CELL_TYPE], longest=_LONGEST_LABEL))
        axes.tick_params(axis="x", rotation=90)
        axes.tick_params(labelsize=7)
        axes.invert_yaxis()

    height = max(2.5, 0.18 * types.height + 1)
    return _picture("Cells per donor and cell type", draw, height=height, has_names=True)


def genes_per_cell(n_expressed: pl.Series) -> dg.MarkdownMetadataValue:
    """Draw how many genes with a symbol cells express."""

    def draw(axes: Axes) -> None:
        _histogram(axes, n_expressed.to_numpy(), bins=50)
        axes.axvline(float(n_expressed.median() or 0), color=ORANGE, label="median")  # type: ignore[arg-type]
        axes.set(xlabel="Genes expressed in a cell", ylabel="Cells")
        _add_legend(axes)

    return _picture("Genes per cell", draw)


def words_above_ties(n_above_ties: pl.Series, sentence_length: pl.Series) -> dg.MarkdownMetadataValue | None:
    """Draw in how many cells there is a word at each place, and in how many it stands above ties.

    None if no sentence has a word.
    """
    places, percent = share_of_cells_by_place(n_above_ties, sentence_length)
    if not places.size:
        return None

    def draw(axes: Axes) -> None:
        axes.fill_between(places, percent[:, 1], color=GREY, label=IS_CHANCE, linewidth=0)
        axes.fill_between(places, percent[:, 0], color=BLUE, label=IS_EXPRESSION, linewidth=0)
        axes.set(xlabel="Place of a word in the sentence", ylabel="Cells (%)", ylim=(0, 100), xlim=(1, None))
        _add_legend(axes)

    return _picture("Words and ties", draw)


def ranks_and_expression(fidelity: Fidelity) -> dg.MarkdownMetadataValue:
    """Draw the expression of some genes by their rank, and the line by which it is recovered."""
    n_values = fidelity.expression.size
    shown = np.random.default_rng(0).permutation(n_values)[:_MOST_VALUES]
    ends = np.array([0.0, fidelity.log_rank.max()])

    def draw(axes: Axes) -> None:
        axes.scatter(fidelity.log_rank[shown], fidelity.expression[shown], s=2, color=BLUE, linewidths=0)
        axes.plot(ends, fidelity.intercept + fidelity.slope * ends, color=ORANGE, label="recovered")
        axes.set(xlabel="log10(1 + rank)", ylabel="log10(1 + normalised expression)")
        _add_legend(axes)

    said = f"R\u00b2 {fidelity.r_squared:.2f}, Spearman {fidelity.spearman_r:.2f}"
    return _picture(f"Expression by rank: {said}", draw)


def distribution(values: pl.Series, *, label: str) -> dg.MarkdownMetadataValue:
    """Draw how often cells have each value of a quantity, and its median."""

    def draw(axes: Axes) -> None:
        _histogram(axes, values.to_numpy(), bins=50)
        axes.axvline(float(values.median() or 0), color=ORANGE, label="median")  # type: ignore[arg-type]
        axes.set(xlabel=label, ylabel="Cells")
        _add_legend(axes)

    return _picture(label, draw)


def counts_per_cell(sums: NDArray[np.float64], *, verdict: str) -> dg.MarkdownMetadataValue:
    """Draw the sum of the values of each cell; of counts without empty cells, by size where sizes differ."""
    is_count = verdict == "counts"
    shown = sums[sums > 0] if is_count else sums
    low, high = float(shown.min(initial=np.inf)), float(shown.max(initial=0))
    is_by_size = is_count and high > _LEAST_RATIO * low

    def draw(axes: Axes) -> None:
        _histogram(axes, shown, bins=np.geomspace(low, high, 51) if is_by_size else 50)
        if is_by_size:
            _by_size(axes, n_decades=np.log10(high / low))
        if shown.size:
            axes.axvline(float(np.median(shown)), color=ORANGE, label="median")
            _add_legend(axes)
        axes.set(
            xlabel="Counts in a cell (molecules or reads)" if is_count else "Sum of values in a cell",
            ylabel="Cells",
        )

    return _picture("Counts per cell" if is_count else "Sum of values per cell", draw)


def sparsity(n_values: NDArray[np.int64], *, n_vars: int) -> dg.MarkdownMetadataValue:
    """Draw which share of the features is zero in a cell, in percent."""
    pct_zero = 100 * (1 - n_values / max(n_vars, 1))

    def draw(axes: Axes) -> None:
        _histogram(axes, pct_zero, bins=50)
        axes.axvline(float(pct_zero.mean()), color=ORANGE, label="mean")
        axes.set(xlabel="Features that are zero in a cell (%)", ylabel="Cells")
        _add_legend(axes)

    return _picture("Sparsity", draw)


def cells_per_category(values: pl.Series) -> dg.MarkdownMetadataValue:
    """Draw how many cells each of the most frequent values of a column has."""
    counts = _count(values).head(_MOST_BARS).reverse()

    def draw(axes: Axes) -> None:
        axes.barh(range(counts.height), counts["n"].to_numpy(), color=BLUE)
        axes.set_yticks(range(counts.height), _labels(counts["value"], longest=_LONGEST_LABEL))
        axes.set(xlabel="Cells")
        axes.tick_params(axis="y", labelsize=7)

    height = max(2.5, 0.18 * counts.height + 1)
    return _picture(f"Cells per {values.name}", draw, height=height, has_names=True)


def ages(cells: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """Draw how many cells there are of each age; None if no age is known."""
    known = cells[AGE].drop_nulls()
    if known.is_empty():
        return None

    def draw(axes: Axes) -> None:
        _histogram(axes, known.to_numpy(), bins=30)
        axes.set(xlabel="Age (years)", ylabel="Cells")

    return _picture("Ages", draw)


def embedding_by_age(
    points: NDArray[np.float32], ages: pl.Series, *, axes: Sequence[str]
) -> dg.MarkdownMetadataValue | None:
    """Draw cells where an embedding has them, shape ``(n, 2)``, coloured by age; None if no age is known."""
    is_known = ages.is_not_null().to_numpy()
    if not is_known.any():
        return None

    def draw(canvas: Axes) -> None:
        canvas.scatter(*points[~is_known].T, s=_dot(points), c=GREY, linewidths=0, label="age unknown")
        dots = canvas.scatter(
            *points[is_known].T, s=_dot(points), c=ages.drop_nulls().to_numpy(), cmap="viridis", linewidths=0
        )
        canvas.figure.colorbar(dots, ax=canvas, label="Age (years)")
        if not is_known.all():
            canvas.legend(frameon=False, fontsize=8, markerscale=3, loc="upper left")
        _label_embedding(canvas, axes)

    return _picture(f"{_method_of(axes)} by age", draw, height=4.4)


def embedding_by_category(
    points: NDArray[np.float32], values: pl.Series, *, axes: Sequence[str]
) -> dg.MarkdownMetadataValue:
    """Draw cells where an embedding has them, shape ``(n, 2)``, in a colour for each frequent value.

    Each has a number as well, written where its cells are, as twenty colours take a second look.
    """

    def draw(canvas: Axes) -> None:
        _draw_categories(canvas, points, values)
        _label_embedding(canvas, axes)

    return _picture(f"{_method_of(axes)} by {values.name}", draw, height=4.4, has_names=True)


def tissue_by_category(sample: SpatialSample, values: pl.Series) -> dg.MarkdownMetadataValue:
    """Draw the cells of a tissue where they lie, in a colour for each frequent value."""

    def draw(canvas: Axes) -> None:
        _draw_categories(canvas, sample.xy_um.astype(np.float32), values)
        _label_tissue(canvas)

    return _picture(f"Tissue by {values.name}", draw, height=4.4, has_names=True)


def tissue_by_side(sample: SpatialSample, sides: pl.Series) -> dg.MarkdownMetadataValue:
    """Draw the cells of a tissue where they lie, in the colour of their side; grey are on none."""
    named = sides.fill_null(_NO_SIDE)

    def draw(canvas: Axes) -> None:
        for label, colour in {_NO_SIDE: GREY, **SIDE_COLOURS}.items():
            mine = sample.xy_um[(named == label).to_numpy()]
            if len(mine):
                canvas.scatter(*mine.T, s=_dot(sample.xy_um), color=colour, linewidths=0, label=label)
        _label_tissue(canvas)
        canvas.legend(frameon=False, fontsize=8, markerscale=2, loc="center left", bbox_to_anchor=(1, 0.5))

    return _picture("Tissue by side", draw, height=4.4, has_names=True)


def places_in_an_image(pixels: NDArray[np.uint8], points: NDArray[np.float64]) -> dg.MarkdownMetadataValue:
    """Draw an image with the places of cells in it, shape ``(n, 2)`` in its pixels, as rings."""

    def draw(axes: Axes) -> None:
        axes.imshow(pixels)
        axes.scatter(*points.T, s=40, facecolors="none", edgecolors=ORANGE, linewidths=0.6)
        axes.set(xticks=[], yticks=[])

    return _picture("Cells in the image", draw, height=6.4)


def contact_sheet(*rows: Sequence[NDArray[np.uint8]]) -> dg.MarkdownMetadataValue | None:
    """Draw small images side by side, one row of them below the other, all of one size; None without any."""
    if not rows or not rows[0]:
        return None
    sides = [max(len(one) for one in row) for row in rows]
    most = max(sides)

    def draw(axes: Axes) -> None:
        for down, row in enumerate(rows):
            for right, pixels in enumerate(row):
                axes.imshow(
                    pixels, extent=(right * most, (right + 0.95) * most, -(down + 0.95) * most, -down * most)
                )
        axes.set(xlim=(0, len(rows[0]) * most), ylim=(-len(rows) * most, 0), xticks=[], yticks=[])

    return _picture("Patches of the first cells", draw, height=2.4)


def variance_explained(ratios: Sequence[float]) -> dg.MarkdownMetadataValue:
    """Draw which share of the variance each principal component explains, and all up to it."""
    numbers = np.arange(1, len(ratios) + 1)
    percent = 100 * np.asarray(ratios)

    def draw(canvas: Axes) -> None:
        canvas.bar(numbers, percent, color=BLUE, label="each")
        canvas.plot(numbers, percent.cumsum(), color=ORANGE, marker=".", label="up to here")
        canvas.set(xlabel="Principal component", ylabel="Variance explained (%)", ylim=(0, None))
        _add_legend(canvas)

    return _picture("Variance explained", draw)


def corpus_by_value(rows: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """Draw how many cells, and of how many donors, each value of a property has; None if none is known.

    Parameters
    ----------
    rows
        A column named as the property, `n_cells`, `n_donors` and `n_datasets`, in the order to be shown.
    """
    name = rows.columns[0]
    known = rows.filter(pl.col(name).is_not_null()).head(_MOST_BARS)
    if known.is_empty():
        return None

    def draw(axes: Axes) -> None:
        bars = axes.barh(range(known.height), known["n_cells"].to_numpy()[::-1], color=BLUE)
        axes.set_yticks(range(known.height), _labels(known[name][::-1], longest=_LONGEST_LABEL))
        counts = zip(known["n_donors"][::-1], known["n_datasets"][::-1], strict=True)
        labels = [f"donors: {donors:,}, datasets: {datasets:,}" for donors, datasets in counts]
        axes.bar_label(bars, labels, padding=4, fontsize=7, color="#555555")
        axes.set(xlabel="Cells")
        axes.margins(x=0.45)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.tick_params(axis="y", labelsize=7)

    title = "Age in years" if name == "age_decade" else name.capitalize()
    height = max(2.2, 0.22 * known.height + 1.1)
    return _picture(f"Corpus by {title.lower()}", draw, height=height, has_names=True)


def _draw_categories(canvas: Axes, points: NDArray[np.float32], values: pl.Series) -> None:
    """Draw points in a colour for each frequent value, with its number where its points are."""
    shown = _count(values)["value"].head(_MOST_GROUPS).to_list()
    named = _named(values)  # not in NumPy, for which "a" and "a" with a NUL behind it are equal
    others = ~named.is_in(shown).to_numpy()
    if others.any():
        canvas.scatter(*points[others].T, s=_dot(points), c=GREY, linewidths=0, label="other")
    groups = [points[(named == name).to_numpy()] for name in shown]
    for number, (name, mine) in enumerate(zip(shown, groups, strict=True)):
        canvas.scatter(
            *mine.T,
            s=_dot(points),
            color=GROUP_COLOURS[number],
            linewidths=0,
            label=f"{number + 1}  {plot_text(name, longest=_LONGEST_LABEL)}",
        )
    for number, mine in enumerate(groups):
        at = np.median(mine, axis=0)
        box = {"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
        canvas.text(*at, str(number + 1), ha="center", va="center", fontsize=7, bbox=box)
    legend = canvas.legend(
        frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.1
    )
    for dot in legend.legend_handles:
        dot.set_sizes([25])


def _add_legend(axes: Axes) -> None:
    """Put a legend above the picture, where it hides nothing: to search the best place may take seconds."""
    axes.legend(frameon=False, fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0)


def _label_embedding(canvas: Axes, axes: Sequence[str]) -> None:
    x, y = _labels(axes, longest=_LONGEST_LABEL)
    canvas.set(xlabel=x, ylabel=y, xticks=[], yticks=[])


def _label_tissue(canvas: Axes) -> None:
    """Have a micron as long in both directions, and y go down, as in an image."""
    canvas.set(xlabel="x (um)", ylabel="y (um)", aspect="equal")
    canvas.invert_yaxis()


def _method_of(axes: Sequence[str]) -> str:
    return axes[0].removesuffix("1")


def _dot(points: NDArray[np.floating[Any]]) -> float:
    """Area of a dot in square points: 12,000 cells fill the picture, 500 are seen."""
    return float(np.clip(30_000 / max(len(points), 1), 1.5, 14))


def _named(values: pl.Series) -> pl.Series:
    # Of a column called ^name$ Polars would look for columns that match that.
    return values.alias("value").cast(pl.String).fill_null("(missing)")


def _count(values: pl.Series) -> pl.DataFrame:
    """Count each `value`, the most frequent first."""
    return _named(values).value_counts(name="n").sort("n", "value", descending=[True, False])


def _labels(texts: Iterable[object], *, longest: int) -> list[str]:
    return [plot_text(str(text), longest=longest) for text in texts]


def _with_most_cells(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """List the values of a column with most cells, and the place of each, from the most on."""
    summed = rows.group_by(name).agg(pl.sum("n_cells")).sort("n_cells", name, descending=[True, False])
    return summed.select(name).head(_MOST_BARS).with_row_index(f"place_of_{name}")


def _by_size(axes: Axes, *, n_decades: float) -> None:
    """Make the axis logarithmic, with numbers as people write them: matplotlib has 6 x 10^3 for 6,000."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    subs = (1, 2, 5) if n_decades < _FEW_DECADES else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs, numticks=_MOST_DECADES))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _histogram(axes: Axes, values: NDArray[Any], *, bins: Any) -> None:
    """Draw how often values occur as one outline: a bar for each of 50 bins took 20 ms more."""
    axes.stairs(*np.histogram(values, bins), fill=True, color=BLUE)


def _picture(
    title: str, draw: Callable[[Axes], None], *, height: float = 3.2, has_names: bool = False
) -> dg.MarkdownMetadataValue:
    """Have a picture drawn; with `has_names`, labels may be of any length, and the picture grows with them.

    To measure labels for that (``bbox_inches="tight"``) takes 0.1 s; to arrange what is in the picture by
    them (``layout="constrained"``) took 0.2 s of the 0.3 s of a histogram.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, height), dpi=100)
    figure.subplots_adjust(left=0.9 / 6.4, right=6.1 / 6.4, bottom=0.5 / height, top=1 - 0.35 / height)
    axes = figure.add_subplot()
    draw(axes)
    axes.set_title(plot_text(title, longest=_LONGEST_TITLE), loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    png = BytesIO()
    with warnings.catch_warnings():
        # Labels of other scripts are drawn as boxes; whoever builds at a terminal can do nothing about it.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        bounds = "tight" if has_names else None
        figure.savefig(png, format="png", metadata={"Software": None}, bbox_inches=bounds)
    encoded = base64.b64encode(png.getvalue()).decode()
    alternative = as_markdown(one_line(title, longest=_LONGEST_TITLE))
    return dg.MetadataValue.md(f"![{alternative}](data:image/png;base64,{encoded})")
