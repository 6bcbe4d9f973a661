"""Files whose features are named otherwise than CELLxGENE does: what is in sentences, and what is refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from c2s_assets.storage.catalogue.building import build_catalogue
from c2s_assets_tests.defs.building import Workshop, build_only, open_workshop
from c2s_assets_tests.feature_files import CITESEQ, write_citeseq, write_features
from c2s_assets_tests.toy import make_lake

ASSETS = (
    *("raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest", "feature_metadata", "cell_sentences"),
    "train_test",
)
GENES = ["CD3D", "MS4A1", "LYZ", "NKX2-1", "HLA-A"]
IDS = [f"ENSG{number:011d}" for number in range(1, 6)]
BARCODES = ["AAACCTGAGATAGGAG-1", "CCCCTGAGATAGGAGC-1", "GGACCTGAGATAGGAG-1", "TTACCTGAGATAGGAG-1"]


@contextmanager
def built(
    folder: Path, write: Callable[[Path], object]
) -> Iterator[tuple[Workshop, dg.ExecuteInProcessResult]]:
    layout = make_lake(folder)
    write(layout.inbox_h5ad("d"))
    with open_workshop(layout) as workshop:
        yield workshop, build_only(workshop, "d", *ASSETS)


def test_features_that_are_no_genes_stay_in_the_tables_and_out_of_sentences(tmp_path: Path) -> None:
    with built(tmp_path, write_citeseq) as (workshop, result):
        assert result.success
        features = workshop.read("feature_metadata", "d")
        sentences = workshop.read("cell_sentences", "d")["cell_sentence"]

    assert features["var_name"].to_list() == list(CITESEQ)
    kinds = dict(features.select("var_name", "feature_kind").iter_rows())
    assert {name: kind for name, kind in kinds.items() if kind != "gene"} == {
        "CD19": "protein",
        "CD3_TotalSeqB": "protein",
        "ERCC-00002": "spike_in",
        "CMO301": "hashtag",
        "TP53_guide": "guide",
        "chr1:9790-10673": "peak",
    }
    for sentence in sentences:
        assert sorted(sentence.split(" ")) == ["CD19", "CD3D", "LYZ", "MS4A1", "NKX2-1", "TBCE"]


def _as_seuratdisk(path: Path) -> None:
    write_features(path, GENES, raw_names=list("01234"), raw_var={"features": GENES})


def _ids_beside_symbols(path: Path) -> None:
    write_features(path, GENES, var={"gene_ids": IDS}, raw_names=IDS)


def _in_two_columns(path: Path) -> None:
    halves = {"gene_symbols": ["CD3D", "", "LYZ", None, ""], "gene_name": [None, "MS4A1", None, *GENES[3:]]}
    write_features(path, IDS, var=halves)


def _described(path: Path) -> None:
    words = ["insulin", "albumin", "tumor protein p53", "keratin 5", "glucagon"]
    write_features(path, GENES, var={"gene_name": words})


@pytest.mark.parametrize(
    "write",
    [_as_seuratdisk, _ids_beside_symbols, _in_two_columns, _described],
    ids=lambda write: write.__name__[1:],
)
def test_symbols_are_found_wherever_a_file_has_them(tmp_path: Path, write: Callable[[Path], object]) -> None:
    with built(tmp_path, write) as (workshop, result):
        assert result.success
        words = workshop.read("cell_sentences", "d")["cell_sentence"].str.split(" ").list.sort()
        features = workshop.read("feature_metadata", "d")

    assert words.to_list() == [sorted(GENES)] * 20
    assert features["symbol"].to_list() == GENES
    assert features["feature_id"].to_list() in (IDS, GENES)


def _transposed(path: Path) -> None:
    write_features(path, BARCODES, cells=["CD3D", "GAPDH", "ACTB"], var={"sample": ["s1", "s2", "s1", "s2"]})


def _only_ids(path: Path) -> None:
    write_features(
        path, ["ERCC-00002", *IDS[1:]], var={"chromosome": ["ERCC", "chr1", "chr2", "chr3", "chr4"]}
    )


def _no_cell_expresses_the_symbols(path: Path) -> None:
    write_features(path, ["CD3D", *IDS[1:]], is_expressed=[False, True, True, True, True])


def _only_descriptions(path: Path) -> None:
    write_features(path, ["insulin", "albumin", "glucagon", "keratin-5", "interleukin-2", "CD8"])


@pytest.mark.parametrize(
    ("write", "claim", "message"),
    [
        (_transposed, "words_look_like_genes", "features are called 'AAACCTGAGATAGGAG-1'"),
        (
            _only_ids,
            "features_have_symbols",
            "var has: index ('ERCC-00002', 'ENSG00000000002'), chromosome ('ERCC', ",
        ),
        (_no_cell_expresses_the_symbols, "sentences_have_words", "Only 0 of 20 cells that express genes"),
        (_only_descriptions, "features_have_symbols", "var has: index ('insulin', 'albumin')."),
    ],
    ids=["transposed", "only ids", "symbols of genes that no cell expresses", "only descriptions"],
)
def test_where_sentences_would_say_nothing_none_is_written(
    tmp_path: Path, write: Callable[[Path], object], claim: str, message: str
) -> None:
    with built(tmp_path, write) as (workshop, result):
        broken = {
            check.check_name: check.description or ""
            for check in result.get_asset_check_evaluations()
            if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
        }
        layout = workshop.layout

    assert not result.success
    assert message in broken[claim]
    assert not layout.parts("cell_sentences", "d").exists()
    assert not layout.parts("train", "d").exists()
    assert layout.table("feature_metadata", "d").exists()


def test_descriptions_that_the_owner_names_as_symbols_are_refused(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    words = ["insulin", "albumin", "glucagon", "keratin-5", "interleukin-2", "CD8"]
    write_features(layout.inbox_h5ad("d"), list("abcdef"), var={"what": words})
    layout.settings.write_text("datasets: {d: {symbol_column: what}}\n")
    with open_workshop(layout) as workshop:
        result = build_only(workshop, "d", *ASSETS)
    failed = {
        check.check_name: check.description or ""
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.asset_key == dg.AssetKey("cell_sentences")
    }
    assert list(failed) == ["words_look_like_genes"]
    assert "what ('insulin', 'albumin')" in failed["words_look_like_genes"]


def test_the_catalogue_tells_genes_from_the_rest(tmp_path: Path) -> None:
    with built(tmp_path, write_citeseq) as (workshop, _):
        path = tmp_path / "catalogue.duckdb"
        build_catalogue(workshop.layout, path)
    with duckdb.connect(path, read_only=True) as connection:
        kinds = connection.execute("select feature_kind, count(*) from features group by all").fetchall()
        genes = connection.execute("select feature_id from genes where symbol is null").fetchall()
    assert dict(kinds) == {"gene": 7, "protein": 2, "spike_in": 1, "hashtag": 1, "guide": 1, "peak": 1}
    assert genes == []
