"""The lint reads what is in the files of a staged release: each fault here is planted in one of them."""

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from c2s_assets.core.findings import Finding
from c2s_assets.schemas.releases import ReleaseDocument, ReleaseFile
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.releases.linting import certified_rows, lint_release
from c2s_assets.storage.releases.staged import staged_release
from c2s_assets_tests.toy import NASTY

FILE = "blood/train/chunk_0000.parquet"


def lint(released: Layout, folder: Path, *, last: ReleaseDocument | None = None) -> dict[str, Finding]:
    """Lint the folder as if its document named the files that are there now."""
    document = staged_release(released, "corpus").document
    now = {
        path: ReleaseFile(size_bytes=(folder / path).stat().st_size, sha256=file_digest(folder / path))
        for path in document.files
    }
    document = document.model_copy(update={"files": now})
    found = lint_release(folder, document, counted=certified_rows(folder), last=last)
    return {finding.claim: finding for finding in found}


def write(path: Path, rows: pl.DataFrame) -> None:
    pq.write_table(rows.to_arrow(), path, write_page_index=True)


def test_what_is_staged_passes_wherever_it_lies(released: Layout, folder: Path) -> None:
    folder = folder.rename(folder.with_name(NASTY))
    assert [finding.message for finding in lint(released, folder).values() if not finding.holds] == []


def test_sentences_of_two_thousand_words_pass(released: Layout, folder: Path) -> None:
    table = pq.read_table(folder / FILE)
    sentences = pa.array([" ".join(f"GENE{number}" for number in range(2_000))] * table.num_rows)
    at = table.schema.get_field_index("cell_sentence")
    table = table.set_column(at, table.schema.field(at), sentences)
    pq.write_table(table, folder / FILE, write_page_index=True)
    assert lint(released, folder)["configs_load"].holds


def test_29400_columns_in_a_config_are_refused(released: Layout, folder: Path) -> None:
    names = [f"GENE{number}" for number in range(29_400)]
    columns = [pa.array([1.0], pa.float32())] * len(names)
    pq.write_table(pa.table(columns, names=names), folder / FILE, write_page_index=True)
    said = lint(released, folder)
    assert "has 29,400 columns, and the viewer shows at most 1,000" in said["keeps_limits_of_hub"].message
    assert not said["configs_load"].holds


def test_an_address_in_a_column_of_the_source_is_refused(released: Layout, folder: Path) -> None:
    rows = pl.read_parquet(folder / FILE)
    nobody = pl.lit('{"contact": "Jane Doe <jane.doe@example.org>"}').alias("source_columns")
    write(folder / FILE, rows.with_columns(nobody))
    said = lint(released, folder)["names_nobody"]
    assert not said.holds
    assert said.message.startswith(f"{FILE}: source_columns holds an e-mail address, in ")
    assert "jane.doe@example.org" not in said.message
    known = staged_release(released, "corpus").document.model_copy(
        update={"files": {FILE: ReleaseFile(size_bytes=1, sha256=file_digest(folder / FILE))}}
    )
    assert lint(released, folder, last=known)["names_nobody"].holds, "what was published was read before"


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("source_columns", pl.lit('{"contact_name": "Ada Doe"}'), "whom to contact, behind 'contact_name'"),
        ("disease_list", pl.lit(["asthma", "ada@example.org"]), "an e-mail address"),
        ("publication_contact_name", pl.lit("Ada Doe"), "whom to contact, by its name"),
    ],
    ids=["key of the source", "in a list", "column"],
)
def test_whom_to_contact_is_refused(
    released: Layout, folder: Path, column: str, value: pl.Expr, message: str
) -> None:
    write(folder / FILE, pl.read_parquet(folder / FILE).with_columns(value.alias(column)))
    said = lint(released, folder)["names_nobody"]
    assert f"{FILE}: {column} holds {message}" in said.message
    assert "Ada Doe" not in said.message


def test_a_file_of_fewer_rows_than_were_certified_is_refused(released: Layout, folder: Path) -> None:
    write(folder / FILE, pl.read_parquet(folder / FILE).head(3))
    said = lint(released, folder)["footers_are_true"]
    assert f"{FILE} says that it has 3 rows" in said.message


def test_ages_in_months_are_refused(released: Layout, folder: Path) -> None:
    rows = pl.read_parquet(folder / FILE)
    write(folder / FILE, rows.with_columns(pl.col("age") * np.float32(12)))
    assert "which are no years" in lint(released, folder)["footers_are_true"].message


def test_a_file_without_rows_is_refused(released: Layout, folder: Path) -> None:
    write(folder / FILE, pl.read_parquet(folder / FILE).head(0))
    said = lint(released, folder)["configs_load"]
    assert f"{FILE} has no row, and cannot be loaded" in said.message


def test_a_file_without_a_page_index_is_refused(released: Layout, folder: Path) -> None:
    pq.write_table(pl.read_parquet(folder / FILE).to_arrow(), folder / FILE)
    assert f"{FILE} has no page index" in lint(released, folder)["configs_load"].message


def test_sentences_of_usual_length_have_a_page_index(released: Layout, folder: Path) -> None:
    """Arrow writes no bounds of pages for them: those of 2,000 symbols were refused."""
    schema, long = pq.read_schema(folder / FILE), pl.lit("GENE1 " * 2_000).alias("cell_sentence")
    rows = pl.read_parquet(folder / FILE).with_columns(long)
    pq.write_table(rows.to_arrow().cast(schema), folder / FILE, write_page_index=True)
    assert lint(released, folder)["configs_load"].holds


def test_an_index_of_pandas_is_refused(released: Layout, folder: Path) -> None:
    rows = pl.read_parquet(folder / FILE).with_row_index("__index_level_0__")
    write(folder / FILE, rows)
    assert "has a column __index_level_0__" in lint(released, folder)["configs_load"].message
