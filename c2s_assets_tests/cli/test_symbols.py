"""`c2s symbols`."""

import time
from pathlib import Path

from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.toy import make_lake

_HEADER = "hgnc_id\tsymbol\tstatus\talias_symbol\tprev_symbol\tensembl_gene_id\n"


def test_symbols_are_taken_from_a_file_and_shown(tmp_path: Path) -> None:
    lake = make_lake(tmp_path).root
    file = tmp_path / "hgnc.tsv"
    file.write_text(_HEADER + "HGNC:1\tGENE_A\tApproved\t\tOLD_A\tENSG00000000001\n")
    assert "has no gene symbols of HGNC" in c2s("symbols", lake=lake).out

    taken = c2s("symbols", "--file", file, lake=lake)
    assert taken.status == 0, taken.err
    assert taken.out.startswith("1 approved human genes, version ")
    assert ", from hgnc.tsv\n" in taken.out
    assert c2s("symbols", lake=lake).out == taken.out


def test_what_cannot_be_had_is_told_in_one_line(tmp_path: Path) -> None:
    lake = make_lake(tmp_path).root
    (tmp_path / "other.tsv").write_text("a\tb\n1\t2\n")
    for arguments, message in (
        (
            ["--file", tmp_path / "none.tsv"],
            "none.tsv is not a file. Give the path of a copy of hgnc_complete",
        ),
        (["--file", tmp_path / "other.tsv"], "the HGNC complete set has no column"),
        (["--refresh", "--file", "x"], "Leave one of them out"),
    ):
        said = c2s("symbols", *arguments, lake=lake)
        assert said.status == 1
        assert message in said.err
        assert "Traceback" not in said.err


def test_without_a_network_it_ends_with_one_line(tmp_path: Path) -> None:
    lake = make_lake(tmp_path).root
    for command in ("symbols", "select"):
        begun = time.monotonic()
        said = c2s(command, "--refresh", lake=lake)
        assert (said.status, said.out) == (1, "")
        assert "/unreachable cannot be reached: there was no connection" in said.err
        assert len(said.err.splitlines()) == 1
        assert time.monotonic() - begun < 10
