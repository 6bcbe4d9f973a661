"""How a dataset stands: what its record, its files, its source, the settings and the code say together."""

import json
from collections.abc import Mapping
from dataclasses import replace

import polars as pl
import pyarrow as pa
import pytest

from c2s_assets.core.errors import LakeError, MissingInputError
from c2s_assets.core.settings import DatasetsFile, parse_datasets_file
from c2s_assets.schemas import registry
from c2s_assets.schemas.documents import CheckReport
from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage import dataset as dataset_module
from c2s_assets.storage.dataset import Dataset
from c2s_assets.storage.sources.raw import adopt_from_inbox
from c2s_assets.storage.tables.parquet import write_table
from c2s_assets_tests.schemas.test_documents import PROFILE
from c2s_assets_tests.toy import drop_toy_h5ad, make_lake

CHECK = CheckReport(
    claim="keeps_schema", description="", severity="ERROR", holds=True, message="3 rows.", figures={}
)


@pytest.fixture
def toy(tmp_path) -> Dataset:
    """A dataset of which everything is built by default settings, in the form of tables of three rows."""
    layout = make_lake(tmp_path)
    drop_toy_h5ad(layout, "toy")
    adopt_from_inbox(layout, dataset_id="toy")
    toy = Dataset(layout, "toy", DatasetsFile())
    for asset in TABLES:
        write(toy, asset)
    return toy


def write(toy: Dataset, asset: str, *, content: str = "a") -> None:
    """Write something for an asset, and commit it as an asset would."""
    if TABLES[asset].form == "source":
        toy.take_source(toy.source, [CHECK])
        return
    with toy.stage(asset) as staged:
        for target in staged.targets:
            path = staged.path(target)
            match TABLES[asset].form:
                case "document" if asset == "dataset_profile":
                    path.write_text(PROFILE.model_dump_json())
                case "document":
                    path.write_text(json.dumps({"content": content}))
                case "file":
                    write_rows(path, content)
                case _:
                    path.mkdir()
                    write_rows(path / "part-00000.parquet", content)
        staged.commit([CHECK])


def write_rows(path, content: str) -> None:
    schema = pa.schema([("cell_id", pa.string())])
    write_table(path, pl.DataFrame({"cell_id": [content] * 3}), schema=schema)


def with_settings(toy: Dataset, text: str) -> Dataset:
    return replace(toy, settings=parse_datasets_file(text))


def standing(toy: Dataset) -> Mapping[str, tuple[str, ...]]:
    """Why each asset is not built, of those that are not."""
    return {name: state.why for name, state in toy.state().items() if state.standing != "built"}


def test_what_was_built_from_what_is_there_now_is_built(toy):
    assert standing(toy) == {}
    built = toy.state()["cell_metadata"].built
    assert built is not None
    assert (built.n_rows, built.checks, list(built.files)) == (
        3,
        [CHECK],
        ["datasets/toy/cell_metadata.parquet"],
    )
    assert toy.read("cell_metadata")["cell_id"].to_list() == ["a"] * 3


def test_the_same_builds_give_the_same_record(toy):
    before = toy.layout.record("toy").read_bytes()
    for asset in TABLES:
        write(toy, asset)
    assert toy.layout.record("toy").read_bytes() == before


OF_SENTENCES = {"cell_sentences", "train_test", "training_prompts", "dataset_card"}
OF_SPLIT = {
    *("split_manifest", "pseudobulk", "pseudocells", "cell_records", "record_sides"),
    *(OF_SENTENCES - {"cell_sentences"}),
}
OF_CELLS = set(TABLES) - {"raw_h5ad", "dataset_profile", "unstructured_metadata", "validation_report"}
SHOWING = {"dataset_card", "validation_report"}
FEATURES_AND_BEYOND = {
    *("feature_metadata", "cell_sentences", "train_test", "training_prompts", "dataset_card", "expression"),
    *("projections", "expression_matrix", "pseudobulk", "pseudocells", "ligand_receptor_pairs", "captions"),
    *("cell_communication", "section_communication", "machine_captions", "cell_records"),
}


@pytest.mark.parametrize(
    ("text", "outdated"),
    [
        ("sentences: {top_n: 1000}", OF_SENTENCES),
        ("sentences: {gene_lists: {x: [A]}}", OF_SENTENCES),
        ("split: {test_size: 0.2}", OF_SPLIT),
        ("prompts: {seed: 1}", {"training_prompts"}),
        ("projections: {fit_scope: train}", FEATURES_AND_BEYOND),
        ("projections: {seed: 1}", {"projections"}),
        ("datasets: {toy: {donor_column: who}}", OF_CELLS),
        ("datasets: {toy: {symbol_column: x}}", FEATURES_AND_BEYOND),
        ("datasets: {toy: {layer: X}}", OF_CELLS | {"dataset_profile"}),
        ("datasets: {other: {donor_column: who}}", set()),
        ("datasets: {toy: {licence: CC BY 4.0}}", SHOWING),
        ("datasets: {toy: {citation: Doe et al.}}", SHOWING),
        ("datasets: {toy: {citation: doi 10.1000/182}}", {"train_test", "training_prompts", *SHOWING}),
        ("datasets: {toy: {title: A toy}}", {"train_test", "training_prompts", *SHOWING}),
        (f"datasets: {{toy: {{citation: a/collections/{'0' * 8}-0000-0000-0000-{'0' * 12}}}}}", OF_CELLS),
        ("cellxgene: {tissue: blood}", set()),
    ],
    ids=[
        *("length of sentences", "a gene list", "a split", "how prompts are written"),
        *("who decides what varies", "a seed", "a donor column", "a symbol column", "a matrix"),
        *(
            "another dataset",
            "a licence",
            "a citation",
            "a DOI",
            "a title",
            "a collection",
            "what is followed",
        ),
    ],
)
def test_a_setting_makes_outdated_what_depends_on_it_and_nothing_else(toy, text, outdated):
    found = set(standing(with_settings(toy, text)))
    assert found == outdated | ({"validation_report"} if outdated else set())


def test_a_changed_file_that_a_setting_names_makes_outdated_what_was_made_with_it(toy):
    toy = with_settings(toy, "prompts: {tokenizer: tokenizer.json}")
    tokenizer = toy.layout.root / "tokenizer.json"
    tokenizer.write_text("{}")
    write(toy, "training_prompts")
    assert standing(toy) == {}
    tokenizer.write_text('{"version": "1.0"}')
    assert standing(toy)["training_prompts"] == ("prompts.tokenizer is another file now, or gone",)


def test_it_is_said_what_a_table_is_outdated_by(toy):
    found = standing(with_settings(toy, "sentences: {top_n: 1000, tie: feature_id}"))
    assert found["cell_sentences"] == (
        "sentences.top_n is 1000 now, was 2000",
        "sentences.tie is 'feature_id' now, was 'hash'",
    )
    assert found["train_test"] == ("cell_sentences is outdated",)


def test_a_key_of_an_entry_that_is_new_since_makes_nothing_outdated_until_it_is_stated(toy):
    toy = with_settings(toy, "datasets: {toy: {spatial: {image: slide.png}}}")
    write(toy, "slide_images")
    record = toy.layout.record("toy")
    written = record.read_text()
    record.write_text(written.replace('"axes":null,', "").replace('"axes": null,', ""))
    assert record.read_text() != written
    assert "slide_images" not in standing(toy)
    stated = with_settings(toy, "datasets: {toy: {spatial: {image: slide.png, axes: yx}}}")
    assert "entry.spatial is" in standing(stated)["slide_images"][0]


def test_a_vision_model_makes_nothing_outdated_but_its_own_table(toy):
    vision = "{endpoint: 'http://localhost/v1', model: some-model}"
    toy = with_settings(toy, "datasets: {toy: {spatial: {image: slide.png}}}")
    for asset in TABLES:
        write(toy, asset)
    asking = with_settings(toy, f"datasets: {{toy: {{spatial: {{image: slide.png, vision: {vision}}}}}}}")
    assert standing(asking) == {
        "machine_captions": ("entry.vision is {'model': 'some-model', 'max_cells': 1000} now, was None",),
        "validation_report": ("machine_captions is outdated",),
    }


def test_a_new_version_of_a_step_makes_its_table_outdated(toy, monkeypatch):
    newer = {**TABLES, "projections": replace(TABLES["projections"], code_version="99")}
    monkeypatch.setattr(dataset_module, "TABLES", newer)
    assert standing(toy)["projections"] == (
        f"its step is version 99 now, was {TABLES['projections'].code_version}",
    )


def test_a_table_that_was_built_again_makes_outdated_what_reads_it(toy):
    write(toy, "cell_sentences", content="b")
    found = standing(toy)
    assert found["train_test"] == ("cell_sentences was built again",)
    assert list(found) == ["train_test", "training_prompts", "dataset_card", "validation_report"]


def list_in(held: Dataset, /, **collections: str) -> None:
    """List datasets, of which only their collections are asked for here."""
    rows = pl.DataFrame({"dataset_id": list(collections), "collection_id": list(collections.values())})
    schema = pa.schema([(name, pa.string()) for name in rows.columns])
    write_table(held.layout.listing, rows, schema=schema)


def test_another_collection_of_the_listing_makes_outdated_what_names_donors_by_it(toy):
    assert standing(toy) == {}
    list_in(toy, toy="c1")
    assert standing(toy)["cell_metadata"] == ("its collection is c1 now, was none",)
    for asset in TABLES:
        write(toy, asset)
    assert standing(toy) == {}
    list_in(toy, other="c1")  # withdrawn: what is known of it stays
    assert standing(toy) == {}
    list_in(toy, toy="c2")
    found = standing(toy)
    assert found["cell_metadata"] == ("its collection is c2 now, was c1",)
    assert found["split_manifest"] == ("cell_metadata is outdated",)


@pytest.mark.parametrize(
    ("donor_uids", "now", "why"),
    [
        (["c1/a", None], "c1", None),
        (["c1/a", None], "c2", "its collection is c2 now, was c1"),
        (["toy/a", "toy/b"], "c1", "its collection is c1 now, was none"),
        ([None, None], "c1", None),
    ],
    ids=["the same", "another one", "none", "no donors"],
)
def test_where_an_earlier_version_recorded_no_collection_donors_tell_it(toy, donor_uids, now, why):
    with toy.stage("cell_metadata") as staged:
        rows = pl.DataFrame({"donor_uid": pl.Series(donor_uids, dtype=pl.String)})
        write_table(staged.path(), rows, schema=pa.schema([("donor_uid", pa.string())]))
        staged.commit([CHECK])
    record = json.loads(toy.layout.record("toy").read_text())
    assert record["built"]["cell_metadata"]["made_from"]["inputs"].pop("collection as listed") == "none"
    toy.layout.record("toy").write_text(json.dumps(record))
    list_in(toy, toy=now)
    assert standing(toy).get("cell_metadata") == (None if why is None else (why,))


def test_of_a_file_that_names_its_collection_the_listing_is_not_asked(toy, monkeypatch):
    named = PROFILE.model_copy(update={"origin": PROFILE.origin.model_copy(update={"collection_id": "c1"})})
    monkeypatch.setattr("c2s_assets_tests.storage.test_dataset.PROFILE", named)
    for asset in TABLES:
        write(replace(toy), asset)
    list_in(toy, toy="c2")
    assert standing(toy) == {}
    assert replace(toy).collection_id == "c1"


def test_a_file_that_was_removed_or_replaced_by_hand_is_missed(toy):
    toy.layout.table("cell_metadata", "toy").unlink()
    assert standing(toy)["cell_metadata"] == ("datasets/toy/cell_metadata.parquet is gone",)
    toy.layout.table("cell_metadata", "toy").write_bytes(b"something else")
    found = toy.state()["cell_metadata"]
    assert (found.standing, found.why) == (
        "missing",
        ("datasets/toy/cell_metadata.parquet is not what was built",),
    )
    with pytest.raises(MissingInputError, match=r"is not what was built.* c2s build --outdated toy"):
        toy.read("cell_metadata")


def test_another_source_makes_everything_outdated(toy):
    drop_toy_h5ad(toy.layout, "toy", seed=2)
    adopt_from_inbox(toy.layout, dataset_id="toy")
    found = standing(toy)
    assert set(found) == set(TABLES)
    with pytest.raises(MissingInputError, match="the source file is another one now"):
        toy.read("cell_metadata")


def test_what_is_not_built_is_missing_and_a_table_asked_for_is_no_loss(toy):
    fresh = replace(toy, dataset_id="fresh")
    assert {state.standing for state in fresh.state().values()} == {"missing"}
    record = toy.record()
    kept = {name: built for name, built in record.built.items() if name != "expression_matrix"}
    without = record.model_copy(update={"built": kept})
    toy.layout.record("toy").write_text(without.model_dump_json())
    write(toy, "validation_report", content="without the matrix")
    assert list(standing(toy)) == ["expression_matrix"]


def test_a_refusal_is_kept_until_the_asset_is_built(toy):
    toy.refuse("cell_sentences", "the matrix was scaled")
    state = toy.state()["cell_sentences"]
    assert state.standing == "built"
    assert state.refused is not None
    assert state.refused.message == "the matrix was scaled"
    write(toy, "cell_sentences")
    assert toy.state()["cell_sentences"].refused is None


@pytest.mark.parametrize("content", ["", "{", '{"version": "2", "dataset_id": "toy"}', "[]", "null"])
def test_a_torn_record_is_not_taken_for_anything(toy, content):
    toy.layout.record("toy").write_text(content)
    with pytest.raises(LakeError, match=r"record\.json cannot be read .* Build them again: c2s build toy"):
        toy.state()


def test_the_record_of_another_dataset_is_not_taken_for_ones_own(toy):
    copied = toy.layout.dataset("copy")
    copied.mkdir()
    (copied / "record.json").write_bytes(toy.layout.record("toy").read_bytes())
    with pytest.raises(LakeError, match="is the record of 'toy'"):
        replace(toy, dataset_id="copy").state()


def test_a_torn_record_is_made_anew_by_the_next_build(toy):
    toy.layout.record("toy").write_text("{")
    for asset in TABLES:
        write(toy, asset)
    assert standing(toy) == {}


def test_every_table_reads_only_what_is_declared_before_it():
    """Guards the order of a build, and of the record's judgement."""
    seen = set(registry.SHARED)
    for declared in TABLES.values():
        assert set(declared.reads) <= seen, declared.name
        seen.add(declared.name)
