"""Opens what could be added to a lake, without adding it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from c2s_assets.storage.h5ad.limits import Limits
from c2s_assets.storage.h5ad.source import H5ad, open_h5ad
from c2s_assets.storage.h5ad.survey import survey_h5ad
from c2s_assets.storage.sources.formats.convert import choose_part, convert
from c2s_assets.storage.sources.formats.recognise import Format, readable, recognise


@contextmanager
def open_found(path: Path, *, limits: Limits, part: str | None = None) -> Iterator[H5ad]:
    """Open an h5ad, or the one that is made of something else, for as long as that is looked at.

    A process of its own has read it before, as when it is added; see `survey_h5ad`.

    Raises
    ------
    SourceError
        If it is nothing that becomes an h5ad, or cannot be read.
    C2SError
        If it is not there, or has parts of which none was chosen.
    """
    with readable(path):
        found = recognise(path, limits=limits)
    with TemporaryDirectory(prefix="c2s-") as scratch:
        h5ad_path = path
        if found.format is not Format.H5AD:
            h5ad_path = Path(scratch) / "converted.h5ad"
            convert(found, h5ad_path, part=choose_part(found, part))
            survey_h5ad(h5ad_path, limits=limits)
        with open_h5ad(h5ad_path, scratch=Path(scratch), limits=limits) as h5ad:
            yield h5ad
