"""Tests of where pairs of ligand and receptor are found."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from c2s_assets.core.errors import ConfigError, MissingInputError
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.spatial.pairs import read_pairs, source_of_pairs
from c2s_assets_tests.toy import NASTY

_NOWHERE = Layout(Path("/nowhere"))


@pytest.fixture
def liana(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of that name that cannot be imported, with the table that the real one has."""
    folder = tmp_path / "liana" / "resource"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('it was imported')")
    (folder / "omni_resource.csv").write_text(
        ",source,target,source_genesymbol,target_genesymbol,resource\n"
        "0,P1,P2,GAD1,GRM4,consensus\n1,P3,P4,Gad1,Grm4,mouseconsensus\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("liana")
def test_a_resource_of_liana_is_read_without_importing_it() -> None:
    assert read_pairs("liana:consensus", _NOWHERE).rows() == [("GAD1", "GRM4", False)]
    assert read_pairs("liana:mouseconsensus", _NOWHERE).rows() == [("Gad1", "Grm4", False)]
    with pytest.raises(ConfigError, match="no resource 'all'; it has: consensus, mouseconsensus"):
        read_pairs("liana:all", _NOWHERE)


def test_without_liana_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2s_assets.storage.spatial.pairs.find_spec", lambda _: None)
    with pytest.raises(MissingInputError, match="pip install --no-deps liana; or name a table of your own"):
        read_pairs("liana:consensus", _NOWHERE)


@pytest.mark.parametrize("name", ["mine.csv", "mine.tsv", "mine.parquet"])
def test_a_table_of_ones_own_is_read(tmp_path: Path, name: str) -> None:
    table = pl.DataFrame({"ligand": ["A"], "receptor": ["R"], "annotation": ["Cell-Cell Contact"]})
    path = tmp_path / NASTY / name
    path.parent.mkdir()
    if name.endswith("parquet"):
        pq.write_table(table.to_arrow(), path)
    else:
        table.write_csv(path, separator="\t" if name.endswith("tsv") else ",")
    for source, layout in ((str(path), _NOWHERE), (name, Layout(path.parent))):
        assert read_pairs(source, layout).rows() == [("A", "R", True)]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"there is no file .*/nowhere\.csv"):
        read_pairs("nowhere.csv", Layout(tmp_path))
    broken = tmp_path / "mine.parquet"
    broken.write_bytes(b"PAR1 and no more")
    with pytest.raises(ConfigError, match=r"mine\.parquet is no CSV, TSV or Parquet file"):
        read_pairs(str(broken), _NOWHERE)


def test_by_default_pairs_are_those_of_the_organism() -> None:
    assert source_of_pairs(None, organism="Mus musculus") == "liana:mouseconsensus"
    assert source_of_pairs(None, organism="Homo sapiens") == "liana:consensus"
    assert source_of_pairs("mine.csv", organism="Mus musculus") == "mine.csv"
