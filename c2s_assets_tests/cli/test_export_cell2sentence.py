"""`c2s export cell2sentence`: what Cell2Sentence loads, formats and trains on, unchanged."""

import json
from itertools import chain, combinations
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

import c2s_assets
from c2s_assets.storage.lake.layout import Layout
from c2s_assets_tests.cli.commanding import c2s
from c2s_assets_tests.corpus import make_corpus
from c2s_assets_tests.tiny_model import let_cell2sentence_train, write_tiny_model
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

SIDE_OF = {"train": "train", "val": "validation", "test": "test"}
DATASETS = ("blood", "lung")


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return make_corpus(tmp_path_factory)


@pytest.fixture(scope="module")
def exported(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("exported") / "cells"
    said = c2s("export", "cell2sentence", *DATASETS, "--to", to, "--upper-case", lake=layout.root)
    assert (said.status, said.err) == (0, "")
    assert "load_from_disk" in said.out
    return to


def rows(folder: Path) -> pl.DataFrame:
    """Read a dataset on disk as `datasets` does."""
    (file,) = (json.loads((folder / "state.json").read_text())["_data_files"],)
    with pa.OSFile(str(folder / file[0]["filename"])) as opened, pa.ipc.open_stream(opened) as stream:
        return pl.DataFrame(stream.read_all())


def indices(folder: Path, name: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = json.loads((folder / f"{name}_split_indices.json").read_text())
    return found


def test_cells_are_those_of_the_training_table(layout: Layout, exported: Path) -> None:
    training = c2s_assets.open_lake(layout.root).training().collect()
    cells = rows(exported / "cells")
    own = training.filter(pl.col("dataset_id").is_in(DATASETS))
    assert cells["cell_name"].to_list() == own["cell_id"].to_list()
    assert cells["cell_sentence"].to_list() == own["cell_sentence"].str.to_uppercase().to_list()
    assert cells["batch_condition"].equals(own["donor_uid"], check_names=False)
    for name in ("cell_type", "tissue", "organism", "sex", "age", "dataset_id", "split"):
        assert cells[name].equals(own[name]), name


def test_sides_are_ours_and_no_donor_is_on_two(exported: Path) -> None:
    cells, by_side = rows(exported / "cells"), indices(exported, "data")
    assert sorted(chain.from_iterable(by_side.values())) == list(range(cells.height))
    donors = [set(cells[by_side[name]]["batch_condition"]) for name in by_side]
    assert all(one.isdisjoint(other) for one, other in combinations(donors, 2))
    for name, side in SIDE_OF.items():
        assert set(cells[by_side[name]]["split"]) <= {side}


def test_groups_are_cells_of_one_donor_tissue_and_side(exported: Path) -> None:
    cells, groups = rows(exported / "cells"), rows(exported / "groups")
    assert groups.height > 10
    for group in groups.iter_rows(named=True):
        of = cells[group["multi_cell_groupings"]]
        assert of.height == 5
        for name in ("batch_condition", "tissue", "organism", "split", "dataset_id"):
            assert of[name].unique().to_list() == [group[name]]
    assert groups["multi_cell_groupings"].explode().is_unique().all()
    by_side = indices(exported, "group")
    assert sorted(chain.from_iterable(by_side.values())) == list(range(groups.height))
    assert set(groups[by_side["train"]]["split"]) == {"train"}


def test_the_vocabulary_counts_cells_and_knows_every_word(layout: Layout, exported: Path) -> None:
    vocabulary = json.loads((exported / "vocabulary.json").read_text())
    words = rows(exported / "cells")["cell_sentence"].str.split(" ").explode().unique()
    assert set(words) <= set(vocabulary)
    features = pl.concat(
        pl.read_parquet(layout.table("feature_metadata", name)).select("symbol", "n_cells")
        for name in DATASETS
    )
    expected = features.group_by("symbol", maintain_order=True).agg(pl.col("n_cells").sum())
    assert list(vocabulary.items()) == expected.rows()


def test_the_same_lake_gives_the_same_bytes(layout: Layout, exported: Path, tmp_path: Path) -> None:
    c2s("export", "cell2sentence", *DATASETS, "--to", tmp_path / "x", "--upper-case", lake=layout.root)
    for path in exported.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "x" / path.relative_to(exported)).read_bytes()


def test_a_folder_that_holds_something_is_refused(layout: Layout, exported: Path) -> None:
    said = c2s("export", "cell2sentence", "--to", exported, lake=layout.root)
    assert said.status == 1
    assert "holds something. Name a folder that is new" in said.err


def test_cells_without_types_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy", obs={"cell_type": None})
    assert c2s("build", "toy", "--only", "train_test", lake=layout.root).status == 0
    said = c2s("export", "cell2sentence", "--to", tmp_path / "x", lake=layout.root)
    assert said.status == 1
    assert "no cell of toy has a cell_type" in said.err
    assert {path.name for path in tmp_path.iterdir()} == {"lake"}


# --- what Cell2Sentence itself makes of it


def test_datasets_loads_it(exported: Path) -> None:
    import datasets

    for name in ("cells", "groups"):
        loaded = datasets.load_from_disk(str(exported / name))
        assert pl.DataFrame(loaded.data.table).equals(rows(exported / name))
        assert loaded.features == datasets.Features.from_arrow_schema(loaded.data.table.schema)


@pytest.mark.peers
def test_cell2sentence_loads_and_formats_it(exported: Path) -> None:
    from cell2sentence.csdata import CSData
    from cell2sentence.prompt_formatter import C2SMultiCellPromptFormatter, C2SPromptFormatter
    from datasets import load_from_disk

    csdata = CSData(json.loads((exported / "vocabulary.json").read_text()), str(exported / "cells"))
    cells, groups = rows(exported / "cells"), load_from_disk(str(exported / "groups"))
    assert list(csdata.get_sentence_strings()) == cells["cell_sentence"].to_list()
    hf_cells = load_from_disk(csdata.data_path)
    for task in ("cell_type_prediction", "cell_type_generation"):
        formatted = C2SPromptFormatter(task, top_k_genes=5).format_hf_ds(hf_cells)
        text = formatted["model_input"][0] + formatted["response"][0]
        assert cells["cell_type"][0] in text
        assert " ".join(cells["cell_sentence"][0].split(" ")[:5]) in text
    for task in ("tissue_prediction", "tissue_conditional_generation", "natural_language_interpretation"):
        formatted = C2SMultiCellPromptFormatter(task, top_k_genes=5).format_hf_ds(hf_cells, groups)
        assert formatted.num_rows == groups.num_rows


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of transformers
def test_cell2sentence_fine_tunes_on_it(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cell2sentence.csdata import CSData
    from cell2sentence.csmodel import CSModel
    from transformers import TrainingArguments

    write_tiny_model(tmp_path / "tiny", rows(exported / "cells")["cell_sentence"].to_list())
    csdata = CSData({}, str(exported / "cells"))
    model = CSModel(str(tmp_path / "tiny"), str(tmp_path / "models"), "tuned")
    used = let_cell2sentence_train(monkeypatch)
    arguments = TrainingArguments(
        output_dir=str(tmp_path), max_steps=2, per_device_train_batch_size=2, use_cpu=True, report_to=[]
    )
    by_side = indices(exported, "data")
    # With fewer than ten donors there is no validation: test stands in for it.
    sides = {"train": by_side["train"], "val": by_side["val"] or by_side["test"]}
    model.fine_tune(
        csdata, "cell_type_prediction", arguments, top_k_genes=100, data_split_indices_dict=sides, num_proc=1
    )
    assert (tmp_path / "checkpoint-2").is_dir()
    donors = dict(rows(exported / "cells").select("cell_sentence", "batch_condition").iter_rows())
    of_sides = [
        {donor for sentence, donor in donors.items() for prompt in prompts if sentence in prompt}
        for prompts in used.values()
    ]
    assert [len(prompts) for prompts in used.values()] == [len(chosen) for chosen in sides.values()]
    assert all(of_sides)
    assert of_sides[0].isdisjoint(of_sides[1])
