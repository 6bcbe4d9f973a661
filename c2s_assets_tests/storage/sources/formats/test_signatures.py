"""What a file is by its first bytes; the name of a file says nothing here."""

import bz2
import gzip
import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2s_assets.storage.sources.formats.signatures import name_bytes

RDS = b"X\n\x00\x00\x00\x03" + b"\0" * 50
KINDS = {
    "nothing": (b"", "empty", "again"),
    "zeros": (b"\0" * 999, "filled with zeros", "broke off"),
    "a web page": (b"\n<!DOCTYPE html><html>", "a web page (HTML)", "login"),
    "a page behind a comment": (b"<!-- x --> <html>", "a web page (HTML)", "login"),
    "an error of a server": (b"<?xml version='1.0'?><Error><Code>AccessDenied", "an XML document", "expired"),
    "rds": (gzip.compress(RDS), "an R object (.rds), compressed with gzip", "readRDS"),
    "rds, bzip2": (bz2.compress(RDS), "an R object (.rds), compressed with bzip2", "write_h5ad"),
    "rds, xz": (lzma.compress(RDS), "an R object (.rds), compressed with xz", "write_h5ad"),
    "rds, plain": (RDS, "an R object (.rds)", "readRDS"),
    "RData": (gzip.compress(b"RDX3\nX\n"), "an R workspace (.RData)", "load("),
    "qs": (b"\x0b\x0e\x0a\x0c...", "an R object (.qs)", "qread"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS", "git lfs pull"),
    "git-annex": (b"/annex/objects/SHA256E-s1--0.h5ad\n", "a pointer of git-annex", "git annex get"),
    "SOFT": (gzip.compress(b"^DATABASE = GeoMiame\n!x = y\n"), "a SOFT file of GEO", "supplementary"),
    "series matrix": (b'!Series_title\t"x"\n', "a SOFT file of GEO", "supplementary"),
    "csv": (b"gene,c1,c2\nA,1,2\nB,3,4\nC,5,", "a table of text (comma-separated)", "cells or genes"),
    "table of R": (gzip.compress(b"c1\tc2\nA\t1\t2\nB\t3\t4\n"), "a table of text (tab-separated)", "pandas"),
    "tar": (b"a" * 257 + b"ustar" + b"\0" * 250, "a tar archive", "Unpack"),
    "tar, gzip": (gzip.compress(b"a" * 257 + b"ustar" + b"\0" * 250), "a tar archive, compressed", "Unpack"),
    "zip": (b"PK\x03\x04" + b"\0" * 26 + b"a.h5ad", "a zip archive", "Unpack"),
    "Excel": (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "an Excel workbook", "pandas"),
    "parquet": (b"PAR1xxxx", "a parquet file", "pandas"),
    "pickle": (b"\x80\x04\x95", "a pickled Python object", "write_h5ad"),
    "zstd": (b"\x28\xb5\x2f\xfd....", "compressed with zstd", "zstd -d"),
    "JPEG": (b"\xff\xd8\xff\xe0", "an image (JPEG)", "h5ad"),
    "text": (b"Dear all,\nthe data", "a text that begins with 'Dear all", "h5ad"),
    "text that is cut within a letter": (("é" * 40000).encode()[: 2**16 - 1], "a text", "h5ad"),
    "damaged gzip": (b"\x1f\x8bxxxx", "a damaged gzip file", "again"),
    "gzip in gzip": (gzip.compress(gzip.compress(b"x")), "compressed more than once", "by hand"),
    "unknown": (b"\x01\xff\xfe\x02" * 9, "of no kind that we know", "h5ad"),
}


@pytest.mark.parametrize(("head", "what", "advice"), KINDS.values(), ids=KINDS.keys())
def test_a_file_is_named_for_what_it_is_with_what_to_do(head: bytes, what: str, advice: str) -> None:
    signature = name_bytes(head)
    assert signature.what.startswith(what)
    assert advice in signature.advice


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"\x1f\x8b", b"BZh9", b"PK\x03\x04", b"<!--", b"\xfd7zXZ\0"]),
)
def test_whatever_it_holds_something_is_said(rest: bytes, magic: bytes) -> None:
    signature = name_bytes(magic + rest)
    assert signature.what
    assert signature.advice
