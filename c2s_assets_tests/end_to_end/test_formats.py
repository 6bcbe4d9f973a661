"""One dataset in every format that `c2s add` takes is one dataset in every table."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest

from c2s_assets.defs.service import build
from c2s_assets.schemas.registry import upstream
from c2s_assets.storage.sources.adding import Wish, add_path
from c2s_assets_tests.defs.building import Workshop, failures, open_workshop
from c2s_assets_tests.storage.sources.apart import nothing_apart
from c2s_assets_tests.storage.sources.formats.building import BARCODES, FORMATS, write_h5ad
from c2s_assets_tests.toy import make_lake

__all__ = ["nothing_apart"]
DATA = Path(__file__).parents[3] / "shared" / "data" / "visium"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("nothing_apart")]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A lake in which `plain` is built of an h5ad."""
    folder = tmp_path_factory.mktemp("formats")
    with open_workshop(make_lake(folder)) as workshop:
        add_and_build(workshop, write_h5ad(folder / "plain.h5ad"), "plain")
        yield workshop


def add_and_build(
    workshop: Workshop,
    source: Path,
    dataset_id: str,
    *,
    tables: Sequence[str] = ("cell_sentences", "expression"),
) -> None:
    add_path(workshop.layout, source, Wish(dataset_id=dataset_id))
    report = build(workshop.instance, workshop.definitions, dataset_id, assets=upstream(tables))
    assert report.succeeded, failures(report)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_tables_are_the_same_whatever_the_format(workshop: Workshop, tmp_path: Path, kind: str) -> None:
    name, write, has = FORMATS[kind]
    dataset_id = kind.replace(" ", "_")
    add_and_build(workshop, write(tmp_path / name), dataset_id)

    cells = workshop.read("cell_metadata", dataset_id)
    assert cells["cell_id"].to_list() == BARCODES
    assert (cells["donor_id"].null_count() == 0) == ("donor_id" in has)
    named = ["feature_id", "symbol", "feature_kind", "n_cells", "mean"]
    for table, columns in (
        ("feature_metadata", named),
        ("cell_sentences", pl.all()),
        ("expression", pl.all()),
    ):
        assert (
            workshop.read(table, dataset_id)
            .select(columns)
            .equals(workshop.read(table, "plain").select(columns))
        ), table


def test_words_are_the_genes_and_no_antibodies(workshop: Workshop) -> None:
    words = workshop.read("cell_sentences", "plain")["cell_sentence"].str.split(" ").explode()
    assert set(words) == {"ACTB", "MYH7", "TTN", "DES", "GAPDH", "CD3E", "MS4A1"}


@pytest.mark.skipif(not DATA.exists(), reason="the folder of real data sets is not there")
@pytest.mark.parametrize(
    ("name", "n_cells", "n_features"),
    [("1.0.0/filtered_feature_bc_matrix.h5", 100, 100), ("2.1.0/raw_probe_bc_matrix.h5", 4_987, 1_000)],
    ids=["of genes", "of probes"],
)
def test_files_of_space_ranger_become_tables(
    workshop: Workshop, name: str, n_cells: int, n_features: int
) -> None:
    dataset_id = f"visium-{Path(name).parent.name}"
    # The genes of the first have ids in place of symbols: there are no sentences, and no need of HGNC here.
    add_and_build(workshop, DATA / name, dataset_id, tables=["expression"])
    assert workshop.read("expression", dataset_id).height == n_cells
    assert workshop.read("feature_metadata", dataset_id).height == n_features
