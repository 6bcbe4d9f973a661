"""Pictures as SVG: small, sharp at every size, and drawn in milliseconds.

Colours can be told apart by all common kinds of colour vision, and beyond the first eight by their number.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.pages.markup import text
from c2s_assets.core.reports.palette import AGE_COLOURS, BLUE, GREY, GROUP_COLOURS, SIDE_COLOURS
from c2s_assets.core.reports.text import one_line

_WIDTH, _HEIGHT, _MARGIN = 460, 300, 40
_SIDE = 420
_BAR_HEIGHT = 17
_LONGEST_LABEL = 34
_N_BINS = 30
_MANY_DOTS = 1_000
_OTHER = "other"
_OF_FILE = (
    "<style>text{font:12px system-ui,sans-serif;fill:#1c1c1c}</style>"
    '<rect width="100%" height="100%" fill="#fff"/>'
)


def stacked_histogram(
    values: Mapping[str, NDArray[np.float64]],
    *,
    label: str,
    n: Mapping[str, NDArray[np.int64]] | None = None,
) -> str:
    """Draw how often values are met, group above group; a side of a split has its colour, others are blue.

    Parameters
    ----------
    n
        How often each value of a group is met; once unless it is given.
    """
    everything = np.concatenate(list(values.values()))
    edges = np.histogram_bin_edges(everything, bins=_N_BINS)
    counts = [
        np.histogram(group, bins=edges, weights=None if n is None else n[name])[0].astype(np.int64)
        for name, group in values.items()
    ]
    highest = max(int(np.sum(counts, axis=0).max()), 1)
    step = (_WIDTH - _MARGIN) / _N_BINS
    colours = [SIDE_COLOURS.get(name, BLUE) for name in values]
    parts, below = [], np.zeros(_N_BINS)
    for count, colour in zip(counts, colours, strict=True):
        for position, n_met in enumerate(count):
            if n_met:
                height = n_met / highest * _HEIGHT
                top = _HEIGHT - below[position] / highest * _HEIGHT - height
                x = _MARGIN + position * step
                parts.append(_rectangle(x, top, step - 1, height, colour, title=f"{n_met:,}"))
        below += count
    axes = _axes(f"{edges[0]:.3g}", f"{edges[-1]:.3g}", label=label, highest=f"{highest:,}")
    legend = _legend(list(zip(values, colours, strict=True)), step=100)
    return _drawing(_WIDTH, _HEIGHT + 44, [*parts, axes, legend])


def areas_by_place(
    places: NDArray[np.int64], percent: NDArray[np.float64], *, keys: Sequence[tuple[str, str]], label: str
) -> str:
    """Draw shares of 100 % by place as areas that begin at the bottom, the widest first.

    Parameters
    ----------
    percent
        Shape ``(n_places, n_areas)``; none is larger than the one before it.
    keys
        What each area is, and its colour.
    """
    span = max(int(places[-1]) - 1, 1)
    x = _MARGIN + (places - 1) / span * (_WIDTH - _MARGIN)
    parts = []
    for heights, (_, colour) in zip(percent.T, keys, strict=True):
        y = _HEIGHT - heights / 100 * _HEIGHT
        line = " ".join(f"L{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
        parts.append(f'<path d="M{x[0]:.1f} {_HEIGHT}{line}L{x[-1]:.1f} {_HEIGHT}Z" fill="{colour}"/>')
    axes = _axes("1", f"{places[-1]:,}", label=label, highest="100 %")
    return _drawing(_WIDTH, _HEIGHT + 44, [*parts, axes, _legend(keys, step=210)])


def bars(counts: Sequence[tuple[str, int]], *, colours: Sequence[str] = ()) -> str:
    """Draw a bar for each name, with its number; all are blue unless colours are given."""
    highest = max([n for _, n in counts] + [1])
    parts = []
    for row, (name, n) in enumerate(counts):
        y, length = row * _BAR_HEIGHT, n / highest * 200
        parts.append(_text(232, y + 12, one_line(name, longest=_LONGEST_LABEL), anchor="end"))
        parts.append(
            _rectangle(238, y + 1, max(length, 1), _BAR_HEIGHT - 4, colours[row] if colours else BLUE)
        )
        parts.append(_text(242 + length, y + 12, f"{n:,}"))
    return _drawing(500, max(len(counts), 1) * _BAR_HEIGHT + 4, parts)


def dots_by_number(points: NDArray[np.float32], values: pl.Series, *, label: str) -> str:
    """Draw cells, shape ``(n, 2)``, from dark for low to light for high values; those without are grey."""
    placed = _placed(points)
    numbers = values.to_numpy().astype(float)
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    last = len(AGE_COLOURS) - 1
    shade = np.full(len(numbers), -1)
    known = ~np.isnan(numbers)
    shade[known] = np.round((numbers[known] - low) / max(high - low, 1e-9) * last)
    parts = [_dots(placed[shade == -1], GREY, of=len(placed))]
    parts += [
        _dots(placed[shade == number], colour, of=len(placed)) for number, colour in enumerate(AGE_COLOURS)
    ]
    for number, colour in enumerate(AGE_COLOURS):
        parts.append(_rectangle(120 + 12 * number, _SIDE + 8, 12, 10, colour))
    parts.append(_text(112, _SIDE + 17, f"{label} {low:.3g}", anchor="end"))
    parts.append(_text(128 + 12 * len(AGE_COLOURS), _SIDE + 17, f"{high:.3g}"))
    return _drawing(_SIDE, _SIDE + 24, parts)


def dots_by_name(points: NDArray[np.float32], names: pl.Series, shown: Sequence[str]) -> str:
    """Draw cells, shape ``(n, 2)``, in a colour for each name that is shown; the others are grey.

    Each name has a number as well, which stands where its cells are, as there are more names than colours
    that everybody can tell apart.
    """
    placed, found = _placed(points), names.to_numpy()
    parts = [_dots(placed[~np.isin(found, list(shown))], GREY, of=len(placed))]
    colours = GROUP_COLOURS[: len(shown)]
    parts += [
        _dots(placed[found == name], colour, of=len(placed))
        for name, colour in zip(shown, colours, strict=True)
    ]
    for number, name in enumerate(shown, start=1):
        mine = placed[found == name]
        if len(mine):
            x, y = np.median(mine, axis=0)
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="9" fill="#fff" fill-opacity=".8"/>')
            parts.append(_text(x, y + 4, str(number), anchor="middle"))
    has_others = bool((~np.isin(found, list(shown))).any())
    keys = [
        (f"{number}  {name}", colour)
        for number, (name, colour) in enumerate(zip(shown, colours, strict=True), 1)
    ]
    keys += [(_OTHER, GREY)] if has_others else []
    for row, (name, colour) in enumerate(keys):
        parts.append(_rectangle(_SIDE + 14, row * _BAR_HEIGHT + 4, 10, 10, colour))
        parts.append(_text(_SIDE + 30, row * _BAR_HEIGHT + 13, one_line(name, longest=_LONGEST_LABEL)))
    return _drawing(_SIDE + 250, max(_SIDE, len(keys) * _BAR_HEIGHT + 4), parts)


def as_file(drawing: str) -> str:
    """Make a drawing a file of its own: on white, as nobody knows the page that it will be on."""
    head, _, rest = drawing.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg">{_OF_FILE}{rest}\n'


def _axes(first: str, last: str, *, label: str, highest: str) -> str:
    return (
        _text(_MARGIN, _HEIGHT + 16, first)
        + _text(_WIDTH, _HEIGHT + 16, last, anchor="end")
        + _text((_WIDTH + _MARGIN) / 2, _HEIGHT + 16, label, anchor="middle")
        + _text(_MARGIN - 4, 10, highest, anchor="end")
    )


def _legend(keys: Sequence[tuple[str, str]], *, step: int) -> str:
    """Put names and their colours below a picture, so many points apart."""
    return "".join(
        _rectangle(_MARGIN + step * number, _HEIGHT + 26, 10, 10, colour)
        + _text(_MARGIN + step * number + 14, _HEIGHT + 36, name)
        for number, (name, colour) in enumerate(keys)
    )


def _placed(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """Move points into the picture, with y upwards; both axes keep their own scale."""
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.maximum(high - low, 1e-9)
    return np.column_stack([scaled[:, 0], 1 - scaled[:, 1]]) * (_SIDE - 16) + 8


def _dots(placed: NDArray[np.float64], colour: str, *, of: int) -> str:
    """Draw some points of so many as one path, nine bytes for each; those that fall together are one."""
    if not len(placed):
        return ""
    cells = np.unique(np.round(placed).astype(int), axis=0)
    moves = "".join(f"M{x} {y}h0" for x, y in cells)
    width = 3 if of > _MANY_DOTS else 6
    return f'<path d="{moves}" stroke="{colour}" stroke-width="{width}" stroke-linecap="round"/>'


def _rectangle(x: float, y: float, width: float, height: float, colour: str, *, title: str = "") -> str:
    inside = f"<title>{text(title)}</title>" if title else ""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{colour}">{inside}</rect>'


def _text(x: float, y: float, words: str, *, anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{text(words)}</text>'


def _drawing(width: int, height: int, parts: Sequence[str]) -> str:
    return f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
