"""Files as other tools write them, each built as far as the tables that it concerns."""

from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import polars as pl
from scipy.sparse import csr_matrix

from c2s_assets.defs.service import BuildReport, build, build_catalogue
from c2s_assets.schemas.documents import DatasetProfile
from c2s_assets.schemas.registry import upstream
from c2s_assets.storage.catalogue.queries import answer_query
from c2s_assets.storage.lake.documents import read_document
from c2s_assets_tests.defs.building import Workshop, build_only, failures, open_workshop
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

R_NA = -(2**31)
TEXT = h5py.string_dtype()


def replace_column(frame: h5py.Group, name: str, values: Any) -> None:
    """Put a column into a dataframe in place of the one of that name, as a dataset without an encoding."""
    if name in frame:
        del frame[name]
    frame[name] = values


def checks_of(result: Any) -> dict[str, tuple[bool, str]]:
    """Whether each check of a run held, and its message, by asset/claim."""
    return {
        f"{found.asset_key.to_user_string()}/{found.check_name}": (found.passed, found.description or "")
        for found in result.get_asset_check_evaluations()
    }


def build_tables(workshop: Workshop, *tables: str) -> BuildReport:
    """Build some tables and what they are made of."""
    return build(workshop.instance, workshop.definitions, "toy", assets=upstream(tables))


def profile_of(workshop: Workshop) -> DatasetProfile:
    return read_document(workshop.layout.profile("toy"), DatasetProfile)


def test_factors_of_seuratdisk_are_their_levels_and_na_is_no_donor(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    codes = np.arange(60, dtype=np.int32) % 4
    codes[[5, 9]] = R_NA
    with h5py.File(layout.inbox_h5ad("toy"), "a") as file:
        replace_column(file["obs"], "donor_id", codes)
        replace_column(file["obs"], "n_genes", np.where(codes == 1, R_NA, codes + 200).astype(np.int32))
        file["obs/__categories/donor_id"] = np.array(["D0", "D1", "D2", "D3"], dtype=TEXT)
    with open_workshop(layout) as workshop:
        result = build_only(workshop, "toy", "raw_h5ad", "dataset_profile", "cell_metadata")
        cells = workshop.read("cell_metadata", "toy")
        columns = {column.name: column for column in profile_of(workshop).obs_columns}
    assert cells["donor_id"].to_list() == [None if code == R_NA else f"D{code}" for code in codes.tolist()]
    assert cells["n_genes"].null_count() == np.count_nonzero(codes == 1)
    assert "__categories" not in columns
    assert columns["donor_id"].encoding == "categorical (SeuratDisk)"
    assert columns["donor_id"].value_counts == {"D0": 15, "D2": 15, "D3": 15, "D1": 13}
    assert checks_of(result)["dataset_profile/reads_every_column"][0]


def test_columns_that_cannot_be_read_are_named_and_everything_else_is_built(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with h5py.File(layout.inbox_h5ad("toy"), "a") as file:
        obs, raw_var = file["obs"], file["raw/var"]
        replace_column(obs, "hash", np.full(60, 2**63 + 1, np.uint64))
        replace_column(obs, "small_hash", np.full(60, 2**63 - 1, np.uint64))
        replace_column(obs, "z", np.full(60, 1j))
        replace_column(obs, "latin", np.array([b"ok"] * 59 + [b"caf\xe9"], dtype=TEXT))
        replace_column(file["var"], "z", np.full(40, 1j))
        replace_column(raw_var, "latin", np.array([b"caf\xe9"] * 40, dtype=TEXT))
    with open_workshop(layout) as workshop:
        steps = ["raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest", "feature_metadata"]
        result = build_only(workshop, "toy", *steps)
        cells, features = workshop.read("cell_metadata", "toy"), workshop.read("feature_metadata", "toy")
        profile = profile_of(workshop)
    assert result.success
    assert cells["small_hash"].unique().to_list() == [2**63 - 1]
    assert not {"hash", "z", "latin"} & set(cells.columns)
    assert not {"z", "latin"} & set(features.columns)
    holds, message = checks_of(result)["dataset_profile/reads_every_column"]
    assert not holds
    assert message.startswith(
        "5 cannot be read and are left out, the first is obs/hash: obs/hash has 9223372"
    )
    assert [c.name for c in profile.obs_columns if c.not_read] == ["hash", "latin", "z"]
    assert [c.name for c in profile.raw_var_columns if c.not_read] == ["latin"]
    assert cells.select(pl.col("donor_id").n_unique()).item() == 4


def test_donors_that_cannot_be_read_are_not_split_by_cell_but_everything_else_is_built(
    tmp_path: Path,
) -> None:
    layout = make_lake(tmp_path, "toy")
    with h5py.File(layout.inbox_h5ad("toy"), "a") as file:
        replace_column(file["obs"], "donor_id", np.full(60, 1j))
        replace_column(file["obs"], "patient", np.array(["a", "b", "c"] * 20, dtype=TEXT))
    with open_workshop(layout) as workshop:
        report = build_tables(workshop, "cell_sentences", "train_test")
        assert not layout.parts("train", "toy").exists()
        layout.settings.write_text("datasets: {toy: {donor_column: patient}}\n")
        mended = build_tables(workshop, "train_test")
    message = failures(report)["split_manifest"]
    assert set(failures(report)) == {"split_manifest"}
    assert "donors_can_be_read: The column 'donor_id' of obs cannot be read: obs/donor_id" in message
    assert mended.succeeded, failures(mended)


def test_counts_of_x_are_taken_before_normalised_raw_values_and_its_features_with_them(
    tmp_path: Path,
) -> None:
    layout = make_lake(tmp_path, "toy")
    with h5py.File(layout.inbox_h5ad("toy"), "a") as file:
        file.move("X", "was_x")
        file.move("raw/X", "X")
        file.move("was_x", "raw/X")
        n_vars = file["X"].attrs["shape"][1]
        del file["var/_index"]
        file.create_dataset("var/_index", data=[b"ENSG0000000%04d" % (i + 100) for i in range(n_vars)])
    with open_workshop(layout) as workshop:
        steps = ["raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest", "feature_metadata"]
        assert build_only(workshop, "toy", *steps).success
        features = workshop.read("feature_metadata", "toy")
        profile = profile_of(workshop)
    assert (profile.layer, profile.verdict.kind) == ("X", "counts")
    assert profile.layer_reason.startswith("X is the first that holds counts: raw.X holds normalised values")
    assert features["feature_id"][0] == "ENSG00000000100"


def test_a_broken_matrix_that_nobody_reads_is_noted_and_the_dataset_is_built(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    with h5py.File(layout.inbox_h5ad("toy"), "a") as file:
        file["X/indptr"][-1] += 1
    with open_workshop(layout) as workshop:
        result = build_only(workshop, "toy", "raw_h5ad", "dataset_profile", "cell_metadata")
    holds, message = checks_of(result)["dataset_profile/reads_every_column"]
    assert result.success
    assert not holds
    assert message.startswith("1 cannot be read and is left out, the first is matrix/X: X: indptr ends at")


def test_the_message_on_a_scaled_matrix_names_the_others_with_what_they_hold(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", matrices="scaled X", encoding="dense")
    layout.settings.write_text("datasets: {toy: {layer: X}}\n")
    with h5py.File(layout.inbox_h5ad("toy"), "a") as file:
        file["layers/Umis"] = np.abs(np.round(file["X"][:] * 10))
        file["layers/logged"] = np.abs(file["X"][:])
    with open_workshop(layout) as workshop:
        report = workshop.build("toy")
    assert (
        "Other matrices of the file: layers/Umis (counts), layers/logged."
        in (failures(report)["dataset_profile"])
    )


def test_all_of_obsm_becomes_tables_or_is_named_and_the_catalogue_answers(tmp_path: Path) -> None:
    layout = make_lake(tmp_path, "toy")
    path = layout.inbox_h5ad("toy")
    counts = csr_matrix(np.arange(180).reshape(60, 3) % 5)
    adata = ad.read_h5ad(path)
    adata.obsm["protein"] = pd.DataFrame(
        {"cell_id": "mine", "UMAP1": ["text"] * 60, "filename": 1.5, "n": np.arange(60)},
        index=adata.obs_names,
    )
    adata.obsm["X_pca"] = pd.DataFrame({"a": np.arange(60.0), "b": 1}, index=adata.obs_names)
    adata.obsm["X_tsne"] = pd.DataFrame({"a": ["x"] * 60}, index=adata.obs_names)
    adata.obsm["sp"] = counts
    adata.write_h5ad(path)
    with h5py.File(path, "a") as file:
        file["obsm/pseudotime"] = np.arange(60.0)
        file["obsm/z"] = np.zeros(60, complex)
        file["obsm/short"] = np.zeros((2, 2))
        file["obsm"].create_group("lists").attrs["encoding-type"] = "awkward-array"
    with open_workshop(layout) as workshop:
        report = workshop.build("toy")
        folder = layout.projections("toy")
        files = sorted(file.stem for file in folder.iterdir())
        tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in files}
        profile = profile_of(workshop)
        assert build_catalogue(workshop.instance, workshop.definitions).succeeded
    sql = "select projection, count(x) from projections group by 1 order by 1"
    answer = answer_query(layout, sql, max_rows=10).rows.rows()

    assert report.succeeded, failures(report)
    assert files == ["X_pca", "X_protein", "X_pseudotime", "X_sp", "X_tsne", "X_umap"]
    assert tables["X_protein"].columns == ["cell_id", "cell_id_in_source", "UMAP1", "filename", "n"]
    assert tables["X_protein"]["cell_id"][1] == "cell_0001"
    assert tables["X_pseudotime"]["pseudotime"].to_list() == [float(row) for row in range(60)]
    assert tables["X_pca"].columns == ["cell_id", "PCA1", "PCA2"]
    lists = tables["X_sp"].explode("column_index", "value", empty_as_null=True).drop_nulls()
    assert lists["value"].to_list() == [float(value) for value in counts.data if value]
    message = next(c.message for c in report.broken if c.claim == "projections_are_complete")
    for said in (
        "obsm/X_tsne is left out: it is called like t-SNE",
        "obsm/z is",
        "obsm/lists is",
        "obsm/short is",
    ):
        assert said in message
    assert sorted(profile.obsm_not_read) == ["lists", "z"]
    assert answer == [("X_pca", 60), ("X_tsne", 60), ("X_umap", 60)]
