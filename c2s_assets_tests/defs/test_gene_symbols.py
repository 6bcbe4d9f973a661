"""`gene_symbols` from a local server that behaves like HGNC's, and what `feature_metadata` makes of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pyarrow as pa
import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.tables.parquet import read_footer, with_metadata, write_table
from c2s_assets_tests.defs.building import Workshop, build_only, failures, files_below, open_workshop
from c2s_assets_tests.serving import serve
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

DATA = Path(__file__).parents[3] / "shared" / "data"
INGEST = ("raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest", "feature_metadata")

_HEADER = "hgnc_id\tsymbol\tname\tstatus\talias_symbol\tprev_symbol\tensembl_gene_id\n"
_ROWS = (
    "HGNC:2\tGENE_B\tb\tApproved\tB1\t\tENSG00000000002\n"
    'HGNC:1\tGENE_A\ta\tApproved\t\t"OLD_A|OLDER_A"\tENSG00000000001\n'
    "HGNC:9\tGENE_A2\ta\tApproved\t\t\tENSG00000000001\n"
    "HGNC:3\tOLD\tc\tEntry Withdrawn\t\t\tENSG00000000003\n"
    "HGNC:4\tNOID\td\tApproved\t\t\t\n"
)
_MONDAY = {"Last-Modified": "Mon, 02 Nov 2026 03:04:05 GMT"}
_TUESDAY = {"Last-Modified": "Tue, 03 Nov 2026 03:04:05 GMT"}


@dataclass(frozen=True)
class Server:
    """What the local server sends from now on, and the workshop whose `gene_symbols` asks it."""

    workshop: Workshop
    pages: dict[str, bytes]
    headers: dict[str, str]

    def fetch(
        self, rows: str, *, headers: Mapping[str, str] = _MONDAY, **config: float
    ) -> dg.ExecuteInProcessResult:
        """Materialize `gene_symbols` from these rows."""
        self.pages["/hgnc.txt"] = (_HEADER + rows).encode()
        self.headers.clear()
        self.headers.update(headers)
        return self.materialize(**config)

    def materialize(self, **config: float) -> dg.ExecuteInProcessResult:
        """Materialize `gene_symbols` from what is served."""
        job = self.workshop.definitions.resolve_implicit_global_asset_job_def()
        return job.get_subset(asset_selection={dg.AssetKey("gene_symbols")}).execute_in_process(
            instance=self.workshop.instance,
            raise_on_error=False,
            run_config={"ops": {"gene_symbols": {"config": config}}},
        )


def _row(number: int, symbol: str) -> str:
    return f"HGNC:{number}\t{symbol}\t\tApproved\t\t\tENSG{number:011d}\n"


@contextmanager
def _open_server(layout: Layout) -> Iterator[Server]:
    pages: dict[str, bytes] = {}
    headers: dict[str, str] = {}
    with (
        serve(pages, headers=headers) as url,
        open_workshop(layout, hgnc_url=f"{url}/hgnc.txt") as workshop,
    ):
        yield Server(workshop, pages, headers)


def _figures(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (event,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in event.metadata.items()}


def _data_version(workshop: Workshop) -> str:
    event = workshop.instance.get_latest_materialization_event(dg.AssetKey("gene_symbols"))
    assert event is not None
    assert event.asset_materialization is not None
    tags = event.asset_materialization.tags
    assert tags is not None
    return tags["dagster/data_version"]


def test_symbols_are_looked_up_by_ensembl_id_where_the_file_has_none(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", var={"feature_name": None})
    with _open_server(layout) as server:
        without = server.workshop.build("toy", "cell_sentences")
        assert "No feature has a gene symbol" in failures(without)["cell_sentences"]
        assert server.fetch(_ROWS).success
        assert server.workshop.build("toy", "cell_sentences").succeeded
        features = server.workshop.read("feature_metadata", "toy")
        sentences = server.workshop.read("cell_sentences", "toy")

    assert pl.read_parquet(layout.gene_symbols).rows() == [
        ("HGNC:1", "GENE_A", "ENSG00000000001", ["OLD_A", "OLDER_A"], []),
        ("HGNC:2", "GENE_B", "ENSG00000000002", [], ["B1"]),
        ("HGNC:4", "NOID", None, [], []),
        ("HGNC:9", "GENE_A2", "ENSG00000000001", [], []),
    ]
    assert features["symbol"].drop_nulls().to_list() == ["GENE_A", "GENE_B"]
    assert features["symbol_source"].drop_nulls().to_list() == ["hgnc", "hgnc"]
    assert features["approved_symbol"].to_list() == features["symbol"].to_list()
    assert set(" ".join(sentences["cell_sentence"]).split()) == {"GENE_A", "GENE_B"}


def test_a_dataset_with_symbols_of_its_own_needs_no_hgnc_and_says_the_same_with_it(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    table, sentences = layout.table("feature_metadata", "toy"), layout.parts("cell_sentences", "toy")
    with _open_server(layout) as server:
        never = server.workshop.build("toy", "cell_sentences")
        assert never.succeeded, failures(never)
        before, before_says, written = pl.read_parquet(table), read_footer(table), files_below(sentences)
        fetched = server.fetch(_ROWS)
        again = build_only(server.workshop, "toy", *INGEST[1:], "cell_sentences")
    assert fetched.success
    assert again.success

    assert before["approved_symbol"].null_count() == before.height == 40
    assert before_says["hgnc_version"] is None
    figures_before = next(step.figures for step in never.steps if step.asset == "feature_metadata")
    assert not {"hgnc_version", "n_renamed", "renamed"} & figures_before.keys()
    features, figures = pl.read_parquet(table), _figures(again, "feature_metadata")
    assert features["approved_symbol"].to_list() == ["GENE_A", "GENE_B", *[None] * 38]
    assert features.drop("approved_symbol").equals(before.drop("approved_symbol"))
    version = _figures(fetched, "gene_symbols")["version"]
    assert read_footer(table)["hgnc_version"] == figures["hgnc_version"] == version
    assert figures["n_renamed"] == 2
    assert "| ENSG00000000001 | GENE1 | GENE_A |" in figures["renamed"]
    lineage = figures["dagster/column_lineage"].deps_by_column
    origins = {(dep.asset_key.to_user_string(), dep.column_name) for dep in lineage["approved_symbol"]}
    assert origins > {("gene_symbols", name) for name in ("symbol", "previous_symbols", "alias_symbols")}
    assert ("raw_h5ad", "var/feature_name") in origins
    assert len(written) == 1
    assert files_below(sentences) == written


def test_a_set_that_says_the_same_keeps_its_bytes_whenever_it_was_fetched(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    with _open_server(layout) as server:
        first = server.fetch(_ROWS)
        written, data_version = layout.gene_symbols.read_bytes(), _data_version(server.workshop)
        second = server.fetch("".join(reversed(_ROWS.splitlines(keepends=True))), headers=_TUESDAY)
        assert layout.gene_symbols.read_bytes() == written
        assert _data_version(server.workshop) == data_version
        says = read_footer(layout.gene_symbols)
        third = server.fetch(_ROWS.replace("B1", "B2"), headers={})
        assert _data_version(server.workshop) != data_version
        says_then = read_footer(layout.gene_symbols)

    figures = [_figures(result, "gene_symbols") for result in (first, second, third)]
    assert [found.get("last_modified") for found in figures] == ["2026-11-02", "2026-11-03", None]
    version, same, other = (found["version"] for found in figures)
    assert version == same != other
    assert says == {
        "table": "gene_symbols",
        "version": version,
        "url": figures[0]["url"],
        "last_modified": "2026-11-02",
    }
    assert says_then == {"table": "gene_symbols", "version": other, "url": figures[0]["url"]}
    assert [figures[0][name] for name in ("n_genes", "n_previous", "n_alias")] == [4, 2, 1]
    assert "n_added" not in figures[0]
    assert [figures[1][name] for name in ("n_added", "n_removed", "n_renamed")] == [0, 0, 0]


def test_what_changed_since_the_last_set_is_counted_and_one_that_shrank_is_refused(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    # As an earlier c2s_assets wrote it: approved symbols that have an Ensembl id.
    numbers = range(1, 31)
    last = {
        "feature_id": [f"ENSG{number:011d}" for number in numbers],
        "symbol": [f"OLD{number}" for number in numbers],
        "hgnc_id": [f"HGNC:{number}" for number in numbers],
    }
    schema = with_metadata(pa.schema(dict.fromkeys(last, pa.string())), {"table": "gene_symbols"})
    write_table(layout.gene_symbols, pl.DataFrame(last), schema=schema)
    rows = [_row(number, f"NEW{number}") for number in range(3, 35)]
    with _open_server(layout) as server:
        first = server.fetch("".join(rows))
        written = layout.gene_symbols.read_bytes()
        refused = server.fetch("".join(rows[4:]))
        assert layout.gene_symbols.read_bytes() == written
        taken = server.materialize(largest_loss=0.2)

    figures = _figures(first, "gene_symbols")
    assert [figures[name] for name in ("n_added", "n_removed", "n_renamed")] == [4, 2, 28]
    assert figures["renamed"].startswith(
        "| hgnc_id | before | now |\n| --- | --- | --- |\n| HGNC:3 | OLD3 | NEW3 |"
    )
    assert figures["renamed"].endswith("... and 8 more")
    assert not refused.success
    evaluations = {check.check_name: check for check in refused.get_asset_check_evaluations()}
    check = evaluations["gene_symbols_did_not_shrink"]
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.ERROR
    assert "| HGNC:3 | NEW3 |" in str(check.metadata["rows"].value)
    assert evaluations["keeps_schema"].passed
    assert taken.success
    assert pl.read_parquet(layout.gene_symbols).height == 28


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (b"<html>moved</html>", "has no column"),
        (
            (_HEADER + "".join(_row(n, f"GENE{n % 2000}") for n in range(1, 2002))).encode(),
            "column symbol breaks field_uniqueness, row 0 holds 'GENE1'",
        ),
    ],
    ids=["a page", "two genes of one symbol, far apart"],
)
def test_what_is_not_the_complete_set_leaves_the_last_symbols_in_place(
    tmp_path: Path, page: bytes, problem: str
) -> None:
    layout = make_lake(tmp_path)
    with _open_server(layout) as server:
        assert server.fetch(_ROWS).success
        before = layout.gene_symbols.read_bytes()
        server.pages["/hgnc.txt"] = page
        result = server.materialize()

    assert not result.success
    failure = result.failure_data_for_node("gene_symbols")
    assert failure is not None
    assert problem in str(failure.error)
    assert layout.gene_symbols.read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the folder of real data sets is not there")
def test_the_complete_set_as_hgnc_published_it_names_genes_of_real_data(tmp_path: Path) -> None:
    mice = ("visium_mouse_brain_49spots", "mouse_3T3_C414_2500_cells", "e18_mouse_brain_10k_cells_1k_genes")
    layout = make_lake(tmp_path)
    for dataset_id in ("pbmc68k_reduced", *mice):
        layout.inbox_h5ad(dataset_id).write_bytes((DATA / f"{dataset_id}.h5ad").read_bytes())
    with _open_server(layout) as server:
        server.pages["/hgnc.txt"] = _as_published(pl.read_parquet(DATA / "hgnc_complete_set.parquet"))
        fetched = server.materialize()
        pbmc = build_only(server.workshop, "pbmc68k_reduced", *INGEST)
        of_mice = [build_only(server.workshop, dataset_id, *INGEST) for dataset_id in mice]
        human = server.workshop.read("feature_metadata", "pbmc68k_reduced")
        murine = pl.concat(
            server.workshop.read("feature_metadata", dataset_id).select("symbol", "approved_symbol")
            for dataset_id in mice
        )
    assert all(result.success for result in (fetched, pbmc, *of_mice))

    figures = _figures(fetched, "gene_symbols")
    assert [figures[name] for name in ("n_genes", "n_previous", "n_alias")] == [44_615, 15_772, 44_485]
    genes = pl.read_parquet(layout.gene_symbols)
    assert genes["feature_id"].null_count() == 2_653
    assert genes.filter(pl.col("symbol") == "TP53").row(0) == (
        *("HGNC:11998", "TP53", "ENSG00000141510", []),
        ["p53", "LFS1"],
    )
    previous = dict(genes.explode("previous_symbols").select("previous_symbols", "symbol").iter_rows())
    assert (previous["SEPT7"], previous["MARCH1"]) == ("SEPTIN7", "MARCHF1")

    assert human["approved_symbol"].count() == 755
    named = dict(human.select("symbol", "approved_symbol").iter_rows())
    assert (named["ATPIF1"], named["SELT"], named["PARK7"]) == ("ATP5IF1", "SELENOT", "PARK7")
    assert _figures(pbmc, "feature_metadata")["n_renamed"] == 57
    assert {"Car2", "Kitl", "Fli1"} <= set(murine["symbol"]), "aliases of human genes, too"
    assert murine["approved_symbol"].null_count() == murine.height > 34_000


def _as_published(genes: pl.DataFrame) -> bytes:
    """Write the set as HGNC does, with lists of more than one symbol in quotes."""
    lists = [
        pl.when(pl.col(name).str.contains("|", literal=True))
        .then(pl.format('"{}"', name))
        .otherwise(name)
        .alias(name)
        for name in ("alias_symbol", "prev_symbol")
    ]
    return genes.with_columns(lists).write_csv(separator="\t", quote_style="never").encode()
