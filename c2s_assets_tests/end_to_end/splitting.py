"""Lakes of datasets with 20 donors each, and who is on which side in what was built of them."""

from pathlib import Path
from typing import Any

import polars as pl

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import Said, c2s
from c2s_assets_tests.toy import drop_toy_h5ad

N_DONORS = 20
N_OBS = 12 * N_DONORS


def begin_lake(folder: Path, *, settings: str = "") -> Layout:
    """Make an empty lake."""
    layout = Layout(folder / "lake")
    layout.inbox.mkdir(parents=True)
    if settings:
        layout.settings.write_text(settings, encoding="utf-8")
    return layout


def citation(collection: str) -> dict[str, str]:
    """Say as CELLxGENE does which collection a file is of, by the first 8 digits of its id."""
    address = f"https://cellxgene.cziscience.com/collections/{collection}-0000-4000-8000-000000000000"
    return {"citation": f"Publication: https://doi.org/10.1000/x.1 in Collection: {address}"}


def drop_donors(
    layout: Layout,
    dataset_id: str,
    *,
    seed: int,
    collection: str,
    donors: str | None = "donor_",
    obs: dict[str, Any] | None = None,
) -> None:
    """Put a dataset of 20 donors into the inbox; the same seed gives the same counts."""
    named = None if donors is None else [f"{donors}{cell % N_DONORS}" for cell in range(N_OBS)]
    drop_toy_h5ad(
        layout,
        dataset_id,
        seed=seed,
        n_obs=N_OBS,
        n_vars=400,
        n_donors=N_DONORS,
        ages=(20, 30, 40, 50, 60),
        obs={"donor_id": named, **(obs or {})},
        uns=citation(collection),
    )


def build_sides(layout: Layout, *dataset_ids: str) -> None:
    """Build datasets up to their sides, one after the other, with what copies are found by."""
    run(layout, "build", "--only", "train_test,cell_fingerprints", *dataset_ids)


def run(layout: Layout, *arguments: str, status: int = 0) -> Said:
    """Run a command on the lake, and expect a status."""
    said = c2s(*arguments, lake=layout.root)
    assert said.status == status, said.out + said.err
    return said


def manifest(layout: Layout, dataset_id: str) -> pl.DataFrame:
    """Read the manifest of a dataset."""
    return pl.read_parquet(layout.table("split_manifest", dataset_id))


def sides(layout: Layout, dataset_id: str) -> dict[str, str | None]:
    """Tell the side of each donor of a dataset, by its manifest."""
    return dict(manifest(layout, dataset_id).select("donor_uid", "split").iter_rows())


def written(layout: Layout, *dataset_ids: str) -> pl.DataFrame:
    """Read the cells in the files of each side."""
    columns = ["dataset_id", "cell_id", "donor_uid", "age", "disease", "is_primary_data"]
    return pl.concat(
        pl.read_parquet(folder / "*.parquet", columns=columns).with_columns(side=pl.lit(side))
        for dataset_id in dataset_ids
        for side in ("train", "validation", "test")
        if (folder := layout.parts(side, dataset_id)).exists()
    )
