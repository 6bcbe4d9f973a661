"""`c2s look`: what a file holds, how it would be read, and what to write into `datasets.yaml`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from c2s_assets.cli.printing import remark, say
from c2s_assets.core.errors import C2SError, InvalidDatasetIdError
from c2s_assets.core.ids import check_dataset_id, propose_dataset_id
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place

if TYPE_CHECKING:
    from c2s_assets.storage.h5ad.source import H5ad
    from c2s_assets.storage.sources.looking import Look, SeenColumn

_WIDEST_NAME = 28


def look(layout: Layout, source: str, *, part: str | None) -> None:
    """Print what a file of this machine or of the lake holds; nothing is added, and nothing built.

    What is printed last is an entry for `datasets.yaml`, if anything has to be said there.
    """
    from c2s_assets.core.settings_entry import entry_text
    from c2s_assets.storage.lake.documents import read_settings
    from c2s_assets.storage.lake.settings_file import place_of_settings
    from c2s_assets.storage.sources.looking import look_into

    settings = read_settings(layout)
    with _open(layout, source, part=part) as (dataset_id, is_held, h5ad):
        seen = look_into(
            h5ad,
            dataset_id=dataset_id,
            entry=settings.entry(dataset_id),
            spec=settings.split,
            source=Path(source),
        )
    say(f"{source}: {seen.profile.n_obs:,} cells, {seen.profile.n_vars:,} features")
    for part_of_page in (_columns("obs", seen.obs), _columns("var", seen.var), _judged(seen), _split(seen)):
        for line in part_of_page:
            say(line)
    text = entry_text(dataset_id, seen.entry, comments=seen.proposed)
    place = place_of_settings(layout)
    further = "" if is_held else f"c2s add {source}, and "
    if not seen.proposed:
        remark(f"Nothing more has to be said of it in {place}. Next: {further}c2s build {dataset_id}")
    else:
        remark(f"See that this is right, write it into {place}, then: {further}c2s build {dataset_id}")
    if text:
        say(text)


@contextmanager
def _open(layout: Layout, source: str, *, part: str | None) -> Iterator[tuple[str, bool, "H5ad"]]:
    """Open what is meant: the file or folder of that path or, if there is none, the dataset of that id."""
    from c2s_assets.storage.sources.opening import open_found
    from c2s_assets.storage.sources.raw import open_source, read_limits

    waiting = _waiting(layout, source)
    path = Path(source) if Path(source).exists() else waiting
    if path is not None:
        dataset_id = propose_dataset_id(path.absolute().name)
        limits = read_limits(layout, dataset_id=dataset_id)
        with open_found(path, limits=limits, part=part) as h5ad:
            yield dataset_id, path == waiting, h5ad
        return
    dataset_id = _known_id(layout, source)
    with open_source(layout, dataset_id=dataset_id) as h5ad:
        yield dataset_id, True, h5ad


def _waiting(layout: Layout, source: str) -> Path | None:
    """Find the file that waits in the inbox under an id."""
    try:
        waiting = layout.inbox_h5ad(source)
    except InvalidDatasetIdError:
        return None
    return waiting if waiting.exists() else None


def _known_id(layout: Layout, source: str) -> str:
    from c2s_assets.clients.download import is_url

    if is_url(source):
        raise C2SError(f"{source} is an address. Add it first, then look at it by its id: c2s add {source}")
    try:
        is_known = layout.raw_provenance(check_dataset_id(source)).exists()
    except InvalidDatasetIdError:
        is_known = False
    if not is_known:
        raise C2SError(
            f"{source} is not a file or folder of this machine, nor a dataset of "
            f"{shown_place(layout, layout.root)}. Give the path of an h5ad or of what one can be made of, or "
            f"an id that c2s ls lists."
        )
    return source


def _columns(place: str, columns: Sequence["SeenColumn"]) -> Iterator[str]:
    yield f"\n{place}: {len(columns):,} columns"
    width = min(max((len(column.name) for column in columns), default=0), _WIDEST_NAME)
    for column in columns:
        values = "" if column.n_distinct is None else f"{column.n_distinct:,} values"
        role = f"   <- {column.role}" if column.role else ""
        yield f"  {column.name:<{width}}{values:>16}   {column.examples}{role}"


def _judged(seen: "Look") -> Iterator[str]:
    yield f"\nmatrix: {seen.profile.layer}. {seen.profile.layer_reason}"
    yield f"organism: {', '.join(seen.organisms) or 'not known'}"
    if seen.proposed:
        yield "with the entry below:"
    for finding in seen.findings:
        yield f"  {'ok  ' if finding.holds else 'note'}  {finding.message}"


def _split(seen: "Look") -> Iterator[str]:
    split = seen.split
    sides = ", ".join(f"{getattr(split, f'n_{side}'):,} in {side}" for side in SIDES)
    yield f"cells by side: {sides}"
    left_out = {
        "left out, as copies (is_primary_data is false)": split.n_non_primary,
        "left out, without an age where others have one": split.n_without_age,
        "never in test, of donors that cannot be told apart": split.n_indistinct,
    }
    for why, n_cells in left_out.items():
        if n_cells:
            yield f"  {n_cells:,} cells {why}"
    yield ""
