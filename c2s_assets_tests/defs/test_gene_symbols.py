"""`gene_symbols` from a local server that behaves like HGNC's."""

from pathlib import Path

import dagster as dg
import polars as pl

from c2s_assets_tests.defs.building import Workshop, failures, open_workshop
from c2s_assets_tests.serving import serve
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

_HEADER = "hgnc_id\tsymbol\tname\tstatus\tensembl_gene_id\n"
_ROWS = (
    "HGNC:2\tGENE_B\tb\tApproved\tENSG00000000002\n"
    "HGNC:1\tGENE_A\ta\tApproved\tENSG00000000001\n"
    "HGNC:9\tGENE_A2\ta\tApproved\tENSG00000000001\n"
    "HGNC:3\tOLD\tc\tEntry Withdrawn\tENSG00000000003\n"
    "HGNC:4\tNOID\td\tApproved\t\n"
)


def _materialize(workshop: Workshop) -> dg.ExecuteInProcessResult:
    job = workshop.definitions.resolve_implicit_global_asset_job_def()
    return job.get_subset(asset_selection={dg.AssetKey("gene_symbols")}).execute_in_process(
        instance=workshop.instance, raise_on_error=False
    )


def test_symbols_are_looked_up_by_ensembl_id_where_the_file_has_none(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", var={"feature_name": None})
    pages = {"/hgnc.txt": (_HEADER + _ROWS).encode()}
    with serve(pages) as url, open_workshop(layout, hgnc_url=f"{url}/hgnc.txt") as workshop:
        without = workshop.build("toy")
        assert "No feature has a gene symbol" in failures(without)["cell_sentences"]
        assert _materialize(workshop).success
        assert workshop.build("toy").succeeded
        features = workshop.read("feature_metadata", "toy")
        sentences = workshop.read("cell_sentences", "toy")

    assert pl.read_parquet(layout.gene_symbols).rows() == [
        ("ENSG00000000001", "GENE_A", "HGNC:1"),
        ("ENSG00000000002", "GENE_B", "HGNC:2"),
    ]
    assert features["symbol"].drop_nulls().to_list() == ["GENE_A", "GENE_B"]
    assert features["symbol_source"].drop_nulls().to_list() == ["hgnc", "hgnc"]
    assert set(" ".join(sentences["cell_sentence"]).split()) == {"GENE_A", "GENE_B"}


def test_a_page_instead_of_the_table_leaves_the_last_symbols_in_place(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    pages = {"/hgnc.txt": (_HEADER + _ROWS).encode()}
    with serve(pages) as url, open_workshop(layout, hgnc_url=f"{url}/hgnc.txt") as workshop:
        assert _materialize(workshop).success
        before = layout.gene_symbols.read_bytes()
        pages["/hgnc.txt"] = b"<html>moved</html>"
        result = _materialize(workshop)

    assert not result.success
    failure = result.failure_data_for_node("gene_symbols")
    assert failure is not None
    assert "has no column" in str(failure.error)
    assert layout.gene_symbols.read_bytes() == before
