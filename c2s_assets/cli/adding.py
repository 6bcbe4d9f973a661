"""`c2s add`: files, folders of files and addresses, one after the other in one process."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from c2s_assets.cli.bar import Bar
from c2s_assets.cli.printing import remark, say
from c2s_assets.core.errors import C2SError
from c2s_assets.storage.lake.layout import Layout

if TYPE_CHECKING:
    from c2s_assets.storage.sources.adding import Added, Wish


def add_all(layout: Layout, sources: Sequence[str], wish: "Wish") -> int:
    """Put all of them into the lake; 1 if any was refused, which keeps no other from being added.

    A folder that is no dataset itself stands for those that are in it.
    """
    from c2s_assets.clients.adding import add_source

    found = list(_expand(sources))
    _require_one(found, wish)
    refused: list[str] = []
    added: list[str] = []
    for number, source in enumerate(found, start=1):
        place = "" if len(found) == 1 else f"{number} of {len(found)}, "
        try:
            with Bar(f"{place}{Path(source).name}") as bar:
                one = add_source(layout, source, wish, progress=bar.bytes)
        except C2SError as error:
            remark(f"c2s: {error}" if len(found) == 1 else f"c2s: {source}: {error}")
            refused.append(source)
            continue
        _print_added(one)
        added.append(one.dataset_id)
    _print_end(added, refused)
    return 1 if refused else 0


def _expand(sources: Sequence[str]) -> Iterator[str]:
    """Give the files of folders in their place, and say what else was there."""
    from c2s_assets.clients.download import is_url
    from c2s_assets.storage.sources.formats.folders import FolderContents, datasets_at

    for source in sources:
        if is_url(source):
            yield source
            continue
        try:
            contents = datasets_at(Path(source))
        except OSError:  # said when it is added
            contents = FolderContents((Path(source),))
        if contents.others:
            n_more = len(contents.others) - 10
            more = f" and {n_more:,} more" if n_more > 0 else ""
            remark(f"c2s: {source}: left alone are {', '.join(contents.others[:10])}{more}")
        yield from map(str, contents.datasets)


def _require_one(found: Sequence[str], wish: "Wish") -> None:
    """Refuse what is said of one dataset where there are several, and two that would replace each other."""
    if len(found) > 1 and wish.dataset_id is not None:
        raise C2SError(
            f"--id names one dataset, and these are {len(found)}. Add them without it, or one at a time."
        )
    names = [Path(source).name for source in found]
    if wish.replace and (twice := next((name for name in names if names.count(name) > 1), None)):
        raise C2SError(
            f"two of these are called {twice}, and one would replace the other. Add one at a time."
        )


def _print_added(added: "Added") -> None:
    dataset_id, path = added.dataset_id, added.path
    if added.is_new:
        made = f", made of a {added.format}" if added.is_converted else ""
        say(f"{dataset_id}: {path.stat().st_size:,} bytes in {path}{made}")
    else:
        say(f"{dataset_id}: the lake has this already, in {path}; nothing was done")
    if added.name not in (None, path.name):
        say(f"  The id {dataset_id} comes of the name {added.name!r}; --id NAME gives another")


def _print_end(added: Sequence[str], refused: Sequence[str]) -> None:
    """Say how to go on and, of several, what was refused, which may have scrolled away."""
    n_all = len(added) + len(refused)
    if added:
        ids = added[0] if n_all == 1 else "--outdated"
        say(f"Build with: c2s build {ids}   (an open `c2s ui` does so by itself)")
    if refused and n_all > 1:
        remark(f"c2s: {len(refused):,} of {n_all:,} were refused: {', '.join(refused)}")
