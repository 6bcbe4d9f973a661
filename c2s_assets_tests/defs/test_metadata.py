import dagster as dg
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from c2s_assets.core.findings import Finding
from c2s_assets.defs.checks import CHECKS, check_result, check_specs
from c2s_assets.defs.metadata import as_metadata, column_lineage, rows_as_markdown, table_metadata
from c2s_assets.schemas.tables import CellMetadata

IMAGE = "![x](http://127.0.0.1/x.png)"


def test_rows_show_names_and_values_as_they_are() -> None:
    rows = pl.DataFrame({"donor_id": [IMAGE, "<b>|\n"], "*a* | b": ["donor_0", None], "n": [0.5, 2.0]})
    assert rows_as_markdown(rows, n_rows=5).md_str.splitlines() == [
        r"| donor_id | \*a\* \| b | n |",
        "| --- | --- | --- |",
        f"| `{IMAGE}` | donor_0 | 0.5 |",
        r"| \<b>\|\\n |  | 2 |",
    ]


def test_figures_are_one_line_without_what_is_not_seen() -> None:
    assert as_metadata({"organism": "Homo\nsapiens\x1b[31m"})["organism"].value == r"Homo\nsapiens\x1b[31m"


def test_columns_are_described_under_the_names_of_the_source_as_text(tmp_path) -> None:
    name = "a\x1b[31m\n![x](y)"
    pq.write_table(pa.table({"cell_id": ["c"], name: ["v"]}), tmp_path / "t.parquet")
    shown = table_metadata(
        tmp_path / "t.parquet",
        CellMetadata,
        staged=tmp_path / "t.parquet",
        lineage={name: [("raw_h5ad", f"obs/{name}")]},
        preview=pl.DataFrame({name: ["v"]}),
    )
    column = shown["dagster/column_schema"].value.columns[1]
    assert column.name == r"a\x1b[31m\n![x](y)"
    assert list(shown["dagster/column_lineage"].value.deps_by_column) == [column.name]


def test_origins_have_the_names_of_the_columns() -> None:
    shown = column_lineage({"a\n": [("raw_h5ad", "obs/a\n")]}, columns=["a\n"]).value.deps_by_column
    assert shown == {r"a\n": [dg.TableColumnDep(dg.AssetKey("raw_h5ad"), r"obs/a\n")]}


def test_messages_of_checks_are_text_in_the_ui() -> None:
    finding = Finding("donors_are_known", False, f"donors {IMAGE} and *b* are unknown.")
    assert check_result(finding, asset_name="cell_metadata").description == (
        rf"donors `{IMAGE}` and \*b\* are unknown."
    )


def test_what_checks_claim_reads_in_the_ui_as_it_is_written() -> None:
    for asset_name, checks in CHECKS.items():
        for check, spec in zip(checks, check_specs(asset_name, None), strict=True):
            assert (spec.description or "").replace("\\", "") == check.description
