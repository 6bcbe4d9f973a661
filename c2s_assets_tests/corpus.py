"""A lake of three small datasets that differ in everything that may differ."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad, make_lake

TABLES = (
    *("raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest", "feature_metadata"),
    *("cell_sentences", "train_test"),
)
_N_OBS = 60


def make_corpus(factory: pytest.TempPathFactory, *further: str) -> Layout:
    """Copy a lake of `blood`, as CELLxGENE has it; `lung`, with own columns; and `mouse`, without donors.

    Of each it has the tables that lead to `train_test`, and further ones that are asked for. They are built
    once for all processes of a session.
    """
    return build_once(factory, "-".join(["corpus", *further]), lambda folder: _build(folder, *further))


def build_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], Layout]) -> Layout:
    """Build a lake once for all processes of a session, and return a copy of it."""
    session = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        session = session.parent
    kept = session / name
    with (session / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            build(factory.mktemp("built")).root.rename(kept)
    return Layout(shutil.copytree(kept, factory.mktemp("copied") / "lake"))


def _build(folder: Path, *further: str) -> Layout:
    layout = make_lake(folder)
    drop_toy_h5ad(layout, "blood", n_axes={**EMBEDDINGS, "X_scVI": 3})
    own = {
        "bmi": np.where(np.arange(_N_OBS) % 2, 21.5, np.nan),
        "fold": "a fold of the authors",
        "Batch": [f"b{cell % 3}" for cell in range(_N_OBS)],
        "is_primary_data": [cell >= 4 for cell in range(_N_OBS)],
        "assay": None,
        "disease": "asthma || COVID-19",
    }
    symbols = [f"GENE{number}" if number % 2 else f"OTHER{number}" for number in range(1, 41)]
    drop_toy_h5ad(layout, "lung", obs=own, var={"feature_name": symbols}, n_axes=EMBEDDINGS, seed=1)
    bare = {"tissue": np.arange(_N_OBS) % 2 == 0, "sex": None, "Batch": np.arange(_N_OBS)}
    drop_toy_h5ad(layout, "mouse", obs=bare, n_donors=0, ages=(), n_axes=EMBEDDINGS, seed=2)
    layout.settings.write_text("sentences: {gene_lists: {first: [GENE1, GENE2]}}\n", encoding="utf-8")
    with open_workshop(layout) as workshop:
        for dataset_id in ("blood", "lung", "mouse"):
            assert build_only(workshop, dataset_id, *TABLES, *further).success
    return layout
