"""What a file is by its first bytes, and what somebody can do with one that holds no dataset for us."""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass

N_BYTES = 64 * 2**10
HDF5 = b"\x89HDF\r\n\x1a\n"
GZIP = b"\x1f\x8b"
MATRIX_MARKET = b"%%MatrixMarket"

_UNPACK = "Unpack it, and add the h5ad, the 10x matrix or the folder that is in it."
_FROM_TABLE = (
    "It does not say whether its rows are cells or genes: read it with pandas, make an AnnData of it (with "
    ".T if its rows are genes), and add what AnnData.write_h5ad writes."
)
_NOT_A_DATASET = "It holds no matrix that we read: add an h5ad, or what the dataset was made from."


@dataclass(frozen=True)
class Signature:
    """What a file is, in words, and what to do about it."""

    what: str
    advice: str

    def within(self, compression: str) -> "Signature":
        """Say the same of a file that was compressed as a whole."""
        return Signature(f"{self.what}, compressed with {compression}", self.advice)


def _from_r(what: str, reading: str) -> Signature:
    return Signature(
        what,
        f'Write an h5ad from R: library(anndataR); write_h5ad(as_AnnData({reading}), "data.h5ad")',
    )


_RDS = _from_r("an R object (.rds)", 'readRDS("data.rds")')
_RDATA = _from_r("an R workspace (.RData)", 'get(load("data.RData"))')
_ANNEX = Signature("a pointer of git-annex, not the file itself", "Fetch the file with: git annex get")
_SOFT = Signature(
    "a SOFT file of GEO", "It describes samples; add the matrices that are among its supplementary files."
)
_MATLAB = Signature("a MATLAB file", "Write the matrix in Matrix Market format, or as h5ad.")
_PICKLE = Signature("a pickled Python object", "Read it where it was made, and add what write_h5ad writes.")
_TIFF = Signature("an image (TIFF)", _NOT_A_DATASET)

# The first that a file begins with counts.
_SIGNATURES: dict[bytes, Signature] = {
    b"X\n\x00\x00\x00": _RDS,
    b"A\n2\n": _RDS,
    b"A\n3\n": _RDS,
    b"RDX": _RDATA,
    b"RDA": _RDATA,
    b"\x0b\x0e\x0a\xc1": _from_r("an R object (.qs2)", 'qs2::qs_read("data.qs2")'),
    b"\x0b\x0e\x0a": _from_r("an R object (.qs)", 'qs::qread("data.qs")'),
    b"version https://git-lfs": Signature(
        "a pointer of Git LFS, not the file itself", "Fetch the file with: git lfs pull"
    ),
    b"/annex/objects/": _ANNEX,
    b"../.git/annex/objects/": _ANNEX,
    b"^DATABASE": _SOFT,
    b"^SERIES": _SOFT,
    b"^SAMPLE": _SOFT,
    b"^PLATFORM": _SOFT,
    b"!Series_": _SOFT,
    b"!Sample_": _SOFT,
    b"7z\xbc\xaf\x27\x1c": Signature("a 7-Zip archive", _UNPACK),
    b"Rar!\x1a\x07": Signature("a RAR archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": Signature(
        "compressed with zstd", "Inflate it with zstd -d, and add what comes out."
    ),
    b"\x04\x22\x4d\x18": Signature("compressed with LZ4", "Inflate it with lz4 -d, and add what comes out."),
    b"PAR1": Signature("a parquet file", _FROM_TABLE),
    b"ARROW1": Signature("an Arrow file", _FROM_TABLE),
    b"\x93NUMPY": Signature("a NumPy array", _FROM_TABLE),
    b"\x80\x02": _PICKLE,
    b"\x80\x03": _PICKLE,
    b"\x80\x04": _PICKLE,
    b"\x80\x05": _PICKLE,
    b"MATLAB 5.0": _MATLAB,
    b"MATLAB 7.3": _MATLAB,
    b"SQLite format 3\x00": Signature("an SQLite database", _NOT_A_DATASET),
    b"BAM\x01": Signature("a BAM file of reads", "Count them first, and add the matrix of counts."),
    b"FCS2.": Signature("a file of a flow cytometer (FCS)", _NOT_A_DATASET),
    b"FCS3.": Signature("a file of a flow cytometer (FCS)", _NOT_A_DATASET),
    b"%PDF-": Signature("a PDF document", _NOT_A_DATASET),
    b"\x89PNG\r\n": Signature("an image (PNG)", _NOT_A_DATASET),
    b"\xff\xd8\xff": Signature("an image (JPEG)", _NOT_A_DATASET),
    b"II*\x00": _TIFF,
    b"MM\x00*": _TIFF,
    b"\x0e\x03\x13\x01": Signature("an HDF4 file", _NOT_A_DATASET),
    HDF5: Signature("an HDF5 file", "Inflate it, and add what comes out."),
}
_TAR_AT, _TAR = 257, b"ustar"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# The groups are atomic, so that a file made of comments takes no longer than any other.
_HTML = re.compile(
    rb"(?>\s*)(?><!--(?:(?!-->).)*-->\s*)*<(!doctype\s+html|html|head|body|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(rb"\s*<(\?xml|[A-Za-z]+Error|Error)\b")
_INFLATED: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (GZIP, lambda head: zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, N_BYTES)),
    "bzip2": (b"BZh", lambda head: bz2.BZ2Decompressor().decompress(head, N_BYTES)),
    "xz": (b"\xfd7zXZ\x00", lambda head: lzma.LZMADecompressor().decompress(head, N_BYTES)),
}


def compression_of(head: bytes) -> str | None:
    """Name the program that compressed a file as a whole; None if none did that we can look into."""
    return next((name for name, (magic, _) in _INFLATED.items() if head.startswith(magic)), None)


def inflate_head(head: bytes, compression: str) -> bytes:
    """Inflate the beginning of a file; nothing if it is damaged."""
    try:
        return _INFLATED[compression][1](head)
    except (zlib.error, OSError, EOFError, lzma.LZMAError):
        return b""


def name_bytes(head: bytes) -> Signature:
    """Say what a file is that begins so, and what to do about it; `head` holds up to `N_BYTES`."""
    compression = compression_of(head)
    if compression is None:
        return _name_plain(head)
    inner = inflate_head(head, compression)
    if not inner:
        return Signature(f"a damaged {compression} file", "Fetch it again.")
    if compression_of(inner) is not None:  # a file can inflate to itself, for ever
        return Signature(
            f"compressed more than once, with {compression} last", "Inflate it by hand, and add it."
        )
    return _name_plain(inner).within(compression)


def _name_plain(head: bytes) -> Signature:
    if not head.strip(b"\0"):
        return _nothing(head)
    if head.startswith(_TAR, _TAR_AT):
        return Signature("a tar archive", _UNPACK)
    for magic, signature in _SIGNATURES.items():
        if head.startswith(magic):
            return signature
    if head.startswith(_ZIP):
        return _zip(head)
    return _text(head) or Signature(
        f"of no kind that we know; it begins with {head[:16]!r}", "Add an h5ad, or export one."
    )


def _nothing(head: bytes) -> Signature:
    if not head:
        return Signature("empty", "Fetch or copy it again.")
    return Signature("filled with zeros at its beginning", "Its copy broke off: fetch or copy it again.")


def _zip(head: bytes) -> Signature:
    if b"[Content_Types].xml" in head or b"xl/" in head[:4096]:
        return Signature("an Excel workbook", _FROM_TABLE)
    if b".npy" in head[:200]:
        return Signature("an archive of NumPy arrays (.npz)", _FROM_TABLE)
    return Signature("a zip archive", _UNPACK)


def _text(head: bytes) -> Signature | None:
    """Tell kinds of text apart; None if it is no text."""
    if _HTML.match(head):
        return Signature(
            "a web page (HTML)",
            "Perhaps the server asked for a login, or the address is of a page: download the file itself.",
        )
    if _XML.match(head):
        begin = head[:200].decode("utf-8", errors="replace")
        return Signature(
            f"an XML document, such as a server's error; it begins with {begin!r}",
            "Perhaps the address has expired: ask for a new one, and download the file again.",
        )
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # more than a character that is cut off at the end
            return None
        text = head[: error.start].decode("utf-8-sig")
    if "\0" in text:
        return None
    if text.startswith(MATRIX_MARKET.decode()):
        return Signature(
            "a matrix in Matrix Market format",
            "Add it where its features.tsv (or genes.tsv) and barcodes.tsv are, their names beginning alike.",
        )
    table = _table(text)
    return table or Signature(f"a text that begins with {text[:60]!r}", "Add an h5ad, or export one.")


def _table(text: str) -> Signature | None:
    """Recognise lines that all have as many separators, of which there is one or more."""
    lines = [line for line in text.splitlines()[:20] if line and not line.startswith("#")]
    lines = lines[:-1] if len(lines) > 2 else lines  # the last may be cut off
    for separator, name in {
        "\t": "tab-separated",
        ",": "comma-separated",
        ";": "semicolon-separated",
    }.items():
        counts = [line.count(separator) for line in lines]
        # The header of a table that R writes lacks a name for the column of row names.
        if (
            len(lines) > 1
            and counts[1] > 0
            and set(counts[1:]) == {counts[1]}
            and counts[1] - counts[0] in (0, 1)
        ):
            return Signature(f"a table of text ({name})", _FROM_TABLE)
    return None
