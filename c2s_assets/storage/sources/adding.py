"""Adds a dataset to the lake: under which id, whether that is free, and as the h5ad that the lake keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from c2s_assets.core.errors import C2SError, InvalidDatasetIdError, KnownFileError, SourceError
from c2s_assets.core.ids import check_dataset_id, propose_dataset_id
from c2s_assets.schemas.documents import ConvertedFrom, InboxNote
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.sources.formats.convert import choose_part, convert
from c2s_assets.storage.sources.formats.recognise import Format, Found, readable, recognise
from c2s_assets.storage.sources.holdings import Holding, find_holding, find_same_file
from c2s_assets.storage.sources.raw import Progress, put_file_into_inbox, put_into_inbox, read_limits


@dataclass(frozen=True)
class Wish:
    """How something is to be added.

    Attributes
    ----------
    dataset_id
        None takes one made of its name.
    part
        Which modality of an h5mu, table of SpatialData, or genome of an old 10x matrix, is taken; None takes
        the only or usual one.
    replace
        Whether it may take the place of another file.
    link
        Whether an h5ad is given a second name on the disk rather than copied.
    again
        Whether a file that the lake has under another id is added all the same.
    """

    dataset_id: str | None = None
    part: str | None = None
    replace: bool = False
    link: bool = False
    again: bool = False


@dataclass(frozen=True)
class Remote:
    """A file that a client can fetch.

    Attributes
    ----------
    url
        Its address, as it may be shown.
    name
        Of which an id is made.
    fetch
        Fetches it to a path.
    """

    url: str
    name: str
    etag: str | None
    size_bytes: int | None
    fetch: Callable[[Path], object]


@dataclass(frozen=True)
class Added:
    """What became of something that was to be added.

    Attributes
    ----------
    path
        Where the h5ad is: in the inbox, or where it was if the lake had it already.
    name
        Of which the id was made; None if the id was given.
    format
        What it was; None if it was not looked at, as the lake has what that address has.
    is_new
        False if the lake had it already, so that nothing was done.
    """

    dataset_id: str
    path: Path
    name: str | None
    format: Format | None
    is_new: bool

    @property
    def is_converted(self) -> bool:
        """Whether an h5ad was made of it."""
        return self.format not in {None, Format.H5AD}


def add_path(layout: Layout, path: Path, wish: Wish, *, progress: Progress | None = None) -> Added:
    """Put a file or folder of this machine into the inbox as an h5ad, unless the lake has it already.

    Parameters
    ----------
    progress
        Is told how many bytes of an h5ad have been copied, and how many there are.

    Raises
    ------
    TakenIdError
        If there is another file under the id, and it is not to be replaced.
    KnownFileError
        If the lake has the file under another id, and nobody asked for it again.
    SourceError
        If it is nothing that becomes an h5ad.
    C2SError
        If it cannot be read, or no id can be made of its name.
    """
    with readable(path):
        found = recognise(path, limits=_limits(layout, path.name, wish))
        for file in found.files:
            file.open("rb").close()
    if wish.link and found.format is not Format.H5AD:
        raise C2SError(f"{path} is a {found.format}, of which an h5ad is made. Leave --link out.")
    now = _now()

    def put(dataset_id: str) -> Path:
        return put_file_into_inbox(
            layout,
            dataset_id=dataset_id,
            source=path,
            link=wish.link,
            retrieved_at=now,
            survey=found.survey,
            progress=progress,
        )

    return _add(layout, found, wish, name=found.name, note=InboxNote(retrieved_at=now), put=put)


def add_remote(layout: Layout, remote: Remote, wish: Wish) -> Added:
    """Fetch a file and put it into the inbox as an h5ad, unless the lake has it already.

    With another file under the id, nothing is fetched but what is announced to be as large as that.

    Raises
    ------
    TakenIdError, SourceError, C2SError
        As those of `add_path`.
    """
    if wish.link:
        raise C2SError(f"{remote.url} is an address, of which nothing can be linked. Leave --link out.")
    dataset_id = _dataset_id(remote.name, wish)
    held = None if wish.replace else find_holding(layout, dataset_id)
    if held is not None and _is_that_version(held, remote, wish):
        return Added(dataset_id, held.path, _unless_given(remote.name, wish), None, is_new=False)
    if held is not None and not _may_be_same(held, remote):
        raise held.taken_error(dataset_id, remote.url)
    with stage(layout, dataset_id) as staged:  # goes with its process, however that ends
        arrived = staged.folder / "fetched" / dataset_id
        arrived.parent.mkdir()
        remote.fetch(arrived)
        note = InboxNote(url=remote.url, etag=remote.etag, retrieved_at=_now())

        def move(target: Path) -> InboxNote:
            arrived.rename(target)
            return note

        def put(dataset_id: str) -> Path:
            return put_into_inbox(layout, dataset_id=dataset_id, fill=move, survey=found.survey)

        try:
            found = recognise(arrived, limits=read_limits(layout, dataset_id=dataset_id))
            return _add(layout, found, wish, name=remote.name, note=note, put=put)
        except SourceError as error:
            raise type(error)(f"{error} It came from {remote.url}.") from error


def _add(
    layout: Layout,
    found: Found,
    wish: Wish,
    *,
    name: str,
    note: InboxNote,
    put: Callable[[str], Path],
) -> Added:
    """Put what was found into the inbox: an h5ad as it is, which is what `put` does, or converted."""
    dataset_id = _dataset_id(name, wish)
    part = choose_part(found, wish.part)
    proposed = _unless_given(name, wish)
    held = None if wish.replace else find_holding(layout, dataset_id)
    if held is not None:
        if not held.is_same(found, part=part):
            raise held.taken_error(dataset_id, note.url or str(found.path))
        if held.is_whole():  # one that was damaged since is put in place again
            return Added(dataset_id, held.path, proposed, found.format, is_new=False)
    elif not wish.again:
        _refuse_twice(layout, found, part=part, dataset_id=dataset_id, name=note.url or str(found.path))

    def fill(target: Path) -> InboxNote:
        convert(found, target, part=part)
        return note.model_copy(update={"converted_from": _describe(found, name=name, part=part)})

    is_h5ad = found.format is Format.H5AD
    path = put(dataset_id) if is_h5ad else put_into_inbox(layout, dataset_id=dataset_id, fill=fill)
    return Added(dataset_id, path, proposed, found.format, is_new=True)


def _refuse_twice(layout: Layout, found: Found, *, part: str | None, dataset_id: str, name: str) -> None:
    """Refuse a file that the lake has under another id: its cells would be in the corpus twice."""
    other = find_same_file(layout, found, part=part, besides=dataset_id)
    if other is not None:
        raise KnownFileError(
            f"{name} is in the lake already, as {other!r}: every cell of it would be there twice. Use that "
            f"one, give it this name with c2s mv {other} {dataset_id}, or add it once more with --again."
        )


def _describe(found: Found, *, name: str, part: str | None) -> ConvertedFrom:
    return ConvertedFrom(
        name=name,
        format=str(found.format),
        size_bytes=found.size_bytes,
        sha256=found.sha256,
        part=part,
    )


def _dataset_id(name: str, wish: Wish) -> str:
    return propose_dataset_id(name) if wish.dataset_id is None else check_dataset_id(wish.dataset_id)


def _limits(layout: Layout, name: str, wish: Wish) -> Limits:
    """Return what a file of that name may claim, before it is known whether its name will do."""
    try:
        return read_limits(layout, dataset_id=_dataset_id(name, wish))
    except InvalidDatasetIdError:
        return DEFAULT_LIMITS


def _unless_given(name: str, wish: Wish) -> str | None:
    return name if wish.dataset_id is None else None


def _is_that_version(held: Holding, remote: Remote, wish: Wish) -> bool:
    """Whether the lake has what the address has, by its ETag; a weak one names no bytes."""
    if remote.etag is None or remote.etag.startswith("W/") or wish.part is not None:
        return False
    return (held.note.url, held.note.etag) == (remote.url, remote.etag) and held.is_whole()


def _may_be_same(held: Holding, remote: Remote) -> bool:
    if remote.size_bytes is None:
        return held.note.url == remote.url
    return held.original_size_bytes == remote.size_bytes


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
