"""A lake of one small dataset, described as an atlas."""

from pathlib import Path

import pytest

from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.corpus import build_once
from c2s_assets_tests.defs.building import build_only, open_workshop
from c2s_assets_tests.toy import EMBEDDINGS, drop_toy_h5ad, make_lake

_TABLES = (
    *("raw_h5ad", "dataset_profile", "cell_metadata", "split_manifest", "feature_metadata", "expression"),
    *("expression_matrix", "projections", "unstructured_metadata", "validation_report"),
)
_SETTINGS = """
datasets: {muscle: {title: Muscle | ageing, licence: CC BY 4.0}}
releases:
  muscle: {kind: atlas, datasets: muscle, repo_id: me/muscle, licence: CC BY 4.0, prefix: skm_10x, wide: true}
"""


def make_atlas(factory: pytest.TempPathFactory) -> Layout:
    """Copy a lake of `muscle` with all tables of an atlas, and a release `muscle` that is to be staged."""
    return build_once(factory, "atlas", _build)


def _build(folder: Path) -> Layout:
    layout = make_lake(folder)
    drop_toy_h5ad(layout, "muscle", n_axes=EMBEDDINGS, uns={"neighbors": {"n": 15}})
    layout.settings.write_text(_SETTINGS, encoding="utf-8")
    with open_workshop(layout) as workshop:
        assert build_only(workshop, "muscle", *_TABLES).success
    return layout
