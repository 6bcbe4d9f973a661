"""How many microns a TIFF says its pixels are."""

import html
import re
from typing import Any

# A pixel of a microscope is less; 300 dots an inch and 72, which are written where nobody knows, are more.
_LARGEST_UM = 20.0
_PIXELS = re.compile(r"<(?:\w+:)?Pixels\s[^>]*>")
_SIZE = re.compile(r'\bPhysicalSizeX="([^"]*)"')
_UNIT = re.compile(r'\bPhysicalSizeXUnit="([^"]*)"')
_UM_PER_UNIT = {"nm": 1e-3, "µm": 1.0, "\u03bcm": 1.0, "um": 1.0, "mm": 1e3}
_APERIO = re.compile(r"\|\s*MPP\s*=\s*([0-9.]+)")
_NO_UNIT = 1


def said_um_per_px(file: Any, page: Any) -> float | None:
    """Read the size of a pixel: of OME, of Aperio, or of the tags; None if none is plausible."""
    found = (_of_ome(file.ome_metadata or ""), _of_aperio(str(page.description)), _of_tags(page))
    return next((um for um in found if um is not None and 0 < um < _LARGEST_UM), None)


def _of_ome(text: str) -> float | None:
    pixels = _PIXELS.search(text)
    size = _SIZE.search(pixels[0]) if pixels else None
    unit = _UNIT.search(pixels[0]) if pixels else None
    factor = _UM_PER_UNIT.get(html.unescape(unit[1])) if unit else 1.0
    return _number(size[1]) * factor if size and factor else None


def _of_aperio(text: str) -> float | None:
    found = _APERIO.search(text)
    return _number(found[1]) if found else None


def _of_tags(page: Any) -> float | None:
    if "XResolution" not in page.tags or page.resolutionunit == _NO_UNIT:
        return None
    px_per_um = float(page.get_resolution("micrometer")[0])
    return 1 / px_per_um if px_per_um > 0 else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
