"""Every block of code of README and docs works, on what its reader has at that point."""

import re
from importlib.util import find_spec
from pathlib import Path

import datasets
import h5py
import numpy as np
import polars as pl
import pytest

from c2s_assets.simulate import simulate_h5ad
from c2s_assets.storage.images.picture import as_png
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.end_to_end.following import TOP, Follower, blocks_of
from c2s_assets_tests.tiny_model import let_cell2sentence_train, write_tiny_model
from c2s_assets_tests.toy import make_lake, write_toy_h5ad
from c2s_assets_tests.vision import said, serve_vision

pytestmark = pytest.mark.slow

N_OBS = 240
# Without the columns that CELLxGENE would have.
_UNNAMED = dict.fromkeys(("donor_id", "development_stage", "development_stage_ontology_term_id"))
FOLLOWED = {
    *(
        "README.md",
        "docs/queries.md",
        "docs/engineer.md",
        "docs/batches.md",
        "docs/biologist.md",
        "docs/mouse_ages.md",
        "docs/splits.md",
        "docs/spatial.md",
        "docs/releases.md",
        "docs/clock.md",
        "docs/language_models.md",
    ),
    "docs/published_card.md",  # in test_published_card
    "docs/object_storage.md",  # in test_object_storage
}


def test_every_page_with_code_is_followed() -> None:
    pages = {str(path.relative_to(TOP)) for path in [TOP / "README.md", *(TOP / "docs").glob("*.md")]}
    assert {page for page in pages if any(blocks_of(page))} == FOLLOWED


def simulate(follower: Follower, *dataset_ids: str, n_obs: int = N_OBS, n_vars: int = 300) -> None:
    """Give the reader datasets as the demo's, but small."""
    for seed, dataset_id in enumerate(dataset_ids):
        simulate_h5ad(
            follower.layout.inbox_h5ad(dataset_id), n_obs=n_obs, n_vars=n_vars, n_cell_types=6, seed=seed
        )
    follower.build(*dataset_ids)


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    make_lake(tmp_path)
    return Follower(tmp_path)


def test_the_readme_works_on_the_demo_and_a_file_of_ones_own(follower: Follower) -> None:
    write_toy_h5ad(follower.folder / "atlas.h5ad")
    simulate(follower, "example")
    follower.follow("README.md")
    assert follower.names["adata"].n_vars == 2


def test_an_engineer_reads_one_table_of_several_datasets(
    follower: Follower, capsys: pytest.CaptureFixture[str]
) -> None:
    simulate(follower, "blood", "lung")
    follower.follow("docs/engineer.md")
    said = capsys.readouterr().out
    assert "fold 4: " in said
    assert "test: 0 donors" not in said
    assert "nan" not in said


def test_a_classifier_is_trained_on_batches(follower: Follower, capsys: pytest.CaptureFixture[str]) -> None:
    simulate(follower, "blood", "lung")
    follower.follow("docs/batches.md")
    assert re.search(r"^([5-9]\d|100)% of \d+ cells of unseen donors", capsys.readouterr().out, re.MULTILINE)


def test_a_biologist_comes_from_a_first_file_to_a_first_model(
    follower: Follower, capsys: pytest.CaptureFixture[str]
) -> None:
    donors = np.arange(N_OBS) % 12
    own = {"patient": [f"P{donor:02d}" for donor in donors], "age_years": 20 + 5 * donors}
    obs = {**_UNNAMED, **own, "cell_type": None, "annotation": "T"}
    write_toy_h5ad(follower.folder / "mine.h5ad", n_obs=N_OBS, obs=obs, seed=4)
    follower.follow("docs/biologist.md")
    assert capsys.readouterr().out.count(" years off") == 5
    cells = follower.names["lake"].cells().collect()
    assert cells["age"].max() == 75
    assert cells["cell_type"].unique().to_list() == ["T"]


def test_ages_of_mice_are_years(follower: Follower) -> None:
    mice = np.arange(N_OBS) % 9
    own = {"mouse_id": [f"m{mouse}" for mouse in mice], "age": np.array(["3m", "18m", "24m"])[mice % 3]}
    stated = dict.fromkeys(("organism", "organism_ontology_term_id"))
    of_mouse = {"feature_name": [f"Abc{number}" for number in range(40)]}
    path = write_toy_h5ad(
        follower.folder / "mouse.h5ad", n_obs=N_OBS, obs={**_UNNAMED, **own}, var=of_mouse, uns=stated
    )
    with h5py.File(path, "r+") as file:
        for var in ("var", "raw/var"):
            place = f"{var}/{file[var].attrs['_index']}"
            del file[place]
            file[place] = [f"ENSMUSG{number:011d}" for number in range(40)]
    follower.follow("docs/mouse_ages.md")
    cells = follower.names["cells"].collect()
    assert sorted(cells["age"].unique()) == [0.25, 1.5, 2.0]
    assert cells["organism"].unique().to_list() == ["Mus musculus"]


def test_a_clock_by_random_draws_pretends_what_it_is_not(follower: Follower) -> None:
    simulate(follower, "example", n_obs=2_000, n_vars=1_000)
    follower.follow("docs/clock.md")
    assert follower.names["error"].height == 17
    assert follower.names["pretended"] < 0.5 * follower.names["true"]


def test_a_language_model_is_trained_on_prompts(
    follower: Follower, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulate(follower, "example")
    if find_spec("cell2sentence"):
        let_cell2sentence_train(monkeypatch)
        write_tiny_model(follower.folder / "my_model", ["A cell of Homo sapiens: SIMG1 SIMG2"])
    follower.follow("docs/language_models.md")
    assert capsys.readouterr().out.count(" years \n") == 2
    if find_spec("cell2sentence"):
        assert (follower.folder / "models" / "checkpoint-2").is_dir()


def test_a_split_is_audited(follower: Follower) -> None:
    simulate(follower, "blood")
    follower.follow("docs/splits.md")


def test_cells_in_a_tissue_hear_each_other_and_have_patches_and_records(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(follower.folder / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    (follower.folder / "pairs.csv").write_text("ligand,receptor\nGENE1,GENE2\n")
    pairs = follower.folder / "pairs.csv"
    noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    (follower.layout.root / "slide.png").write_bytes(as_png(noise.repeat(8, axis=0).repeat(8, axis=1)))
    places = np.random.default_rng(0).uniform(0, 2_400, (N_OBS, 2))
    write_toy_h5ad(
        follower.layout.inbox_h5ad("brain"), n_obs=N_OBS, n_donors=1, ages=(30,), obsm={"spatial": places}
    )
    with serve_vision(lambda _: said("Coloured squares.")) as server:
        spatial = (
            f"um_per_unit: 1, image: slide.png, vision: {{endpoint: '{server.endpoint}', model: some-model}}"
        )
        follower.layout.settings.write_text(
            f"communication: {{pairs: {pairs}}}\ndatasets: {{brain: {{spatial: {{{spatial}}}}}}}"
        )
        tables = "cell_records,machine_captions"
        assert c2s("build", "brain", "--only", tables, lake=follower.layout.root).status == 0
    follower.follow("docs/spatial.md")
    table = pl.read_parquet(follower.layout.parts("cell_communication", "brain"))
    heard = follower.names["communication"].sum(axis=1)
    np.testing.assert_allclose(heard, table["score_received"], rtol=1e-5)
    assert follower.names["picture"].size == (64, 64)
    assert follower.names["records"][0]["tissue_patch"].size == (224, 224)
    assert set(follower.names["texts"]["machine_caption"]) == {"Coloured squares."}


def test_queries_are_answered(follower: Follower) -> None:
    simulate(follower, "blood")
    follower.follow("docs/queries.md")


def test_a_release_is_described(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is loaded is on the Hub; `test_loading` loads such a corpus from a local one."""
    loaded: list[object] = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *names, **options: loaded.append((names, options)))
    follower.follow("docs/releases.md")
    repository = "me/ageing-cells"
    assert loaded == [((repository,), {}), ((repository, "blood"), {}), ((repository,), {"revision": "1.0"})]
    assert list(read_settings(follower.layout).releases) == ["ageing"]
