"""Adds a dataset to the lake by its path or its address."""

from pathlib import Path

from c2s_assets.clients.download import Progress, announce, download, is_url
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.sources.adding import Added, Remote, Wish, add_path, add_remote


def add_source(layout: Layout, source: str, wish: Wish, *, progress: Progress | None = None) -> Added:
    """Put what is at a path or an http(s) address into the inbox, unless the lake has it already.

    Parameters
    ----------
    progress
        Is told how many bytes have been copied or fetched, and how many there are, if that is known.

    Raises
    ------
    DownloadError
        If it cannot be fetched.
    TakenIdError, SourceError, C2SError
        As those of `add_path`.
    """
    if not is_url(source):
        return add_path(layout, Path(source), wish, progress=progress)
    announced = announce(source)
    remote = Remote(
        url=announced.url,
        name=announced.name,
        etag=announced.etag,
        size_bytes=announced.size_bytes,
        fetch=lambda path: download(source, path, progress=progress),
    )
    return add_remote(layout, remote, wish)
