"""Makes an h5ad of whatever format was recognised, in a process of its own."""

from pathlib import Path

from c2s_assets.core.errors import C2SError
from c2s_assets.storage.h5ad.apart import ask_apart
from c2s_assets.storage.sources.formats.gzipped import inflate
from c2s_assets.storage.sources.formats.recognise import Format, Found, recognise

_WORK = "c2s_assets.storage.sources.formats.work"
# What its parts are called, and which is taken if there are several.
_PARTS = {Format.TENX_H5: ("genome", "rna"), Format.SPATIALDATA: ("table", "table")}
# Of processor time, and generous: a matrix of 48 MB of text was converted at 6.5 MB/s of it.
_MIN_SECONDS = 60
_BYTES_PER_SECOND = 2**19


def choose_part(found: Found, wanted: str | None) -> str | None:
    """Say which part is taken: a modality of h5mu, a table of SpatialData, a genome of an old 10x matrix.

    Without a wish the only one is taken, or the modality `rna` or the table `table`. None for what has no
    parts.

    Raises
    ------
    C2SError
        If there are several and none was asked for, or not the one that was.
    """
    kind, usual = _PARTS.get(found.format, ("modality", "rna"))
    parts = found.parts
    if not parts and wanted is None:
        return None
    if not parts:
        raise C2SError(f"{found.path.name} is a {found.format} without parts. Leave --modality out.")
    chosen = wanted or (parts[0] if len(parts) == 1 else usual)
    if chosen not in parts:
        missing = f"no {kind} {wanted!r}" if wanted else f"more than one {kind}"
        raise C2SError(
            f"{found.path.name} has {missing}: there are {', '.join(parts[:20])}. Say which, as in: "
            f"--modality {parts[0]}"
        )
    return chosen


def convert(found: Found, target: Path, *, part: str | None) -> None:
    """Write what was found, which is no h5ad, as one to `target`.

    What reads it is a process of its own, with limits of memory and time: none of these formats is harmless.

    Raises
    ------
    SourceError
        If it cannot be read; `target` is then of no use.
    """
    if found.format is Format.GZIPPED:
        _convert_inflated(found, target)
        return
    seconds = _MIN_SECONDS + found.size_bytes // _BYTES_PER_SECOND
    ask_apart(found.path, _WORK, str(found.format), str(target), part or "", seconds=seconds)


def _convert_inflated(found: Found, target: Path) -> None:
    inflated = target.with_name(f"~{target.name}")  # no dataset id begins so
    inflate(found.path, inflated)
    inner = recognise(inflated)
    if inner.format is Format.H5AD:
        inflated.replace(target)
    else:
        convert(inner, target, part=choose_part(inner, None))
        inflated.unlink()
