"""A staged release of each kind, for all tests of this folder, and copies of it to be spoilt."""

import shutil
from pathlib import Path

import pytest

from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.releases.atlas import stage_atlas
from c2s_assets.storage.releases.corpus import stage_corpus
from c2s_assets_tests.atlas import make_atlas
from c2s_assets_tests.corpus import make_corpus


@pytest.fixture(scope="package")
def released(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A lake with the release `corpus` of three datasets, of which `lung` has pseudobulk."""
    layout = make_corpus(tmp_path_factory, "pseudobulk")
    with layout.settings.open("a", encoding="utf-8") as file:
        file.write("releases: {corpus: {repo_id: me/corpus}}\n")
    with stage(layout, "release-corpus") as staged:
        stage_corpus(staged, layout, read_settings(layout), "corpus")
        staged.commit(layout.release("corpus"), layout.release_code("corpus"))
    return layout


@pytest.fixture
def folder(released: Layout, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(released.release("corpus"), tmp_path / "corpus"))


@pytest.fixture(scope="package")
def released_atlas(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A lake with the release `muscle` of one dataset, the wide form among its files."""
    layout = make_atlas(tmp_path_factory)
    with stage(layout, "release-muscle") as staged:
        stage_atlas(staged, layout, read_settings(layout), "muscle")
        staged.commit(layout.release("muscle"), layout.release_code("muscle"))
    return layout


@pytest.fixture
def atlas_folder(released_atlas: Layout, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(released_atlas.release("muscle"), tmp_path / "muscle"))
