"""How datasets become configs where there are more of them than the viewer lists."""

from c2s_assets.core.releases.configs import corpus_configs


def test_as_many_datasets_as_the_viewer_lists_have_a_config_each() -> None:
    configs = corpus_configs({f"d{number}": ("train",) for number in range(2_999)}, {}, beside={})
    assert len(configs) == 3_000
    assert configs[0] == {
        "config_name": "d0",
        "data_files": [{"split": "train", "path": "d0/train/*.parquet"}],
    }


def test_more_datasets_have_a_config_for_each_collection() -> None:
    sides = {f"d{number}": ("train", "test") if number < 2 else ("train",) for number in range(3_001)}
    collections = {name: f"c{int(name[1:]) % 100}" for name in sides} | {"d3000": None}
    configs = corpus_configs(sides, collections, beside={})
    assert [one["config_name"] for one in configs] == [f"c{number}" for number in range(100)] + ["all"]
    train, test = configs[1]["data_files"]
    assert train["path"][:2] == ["d1/train/*.parquet", "d101/train/*.parquet"]
    assert len(train["path"]) == 30
    assert test == {"split": "test", "path": "d1/test/*.parquet"}
    assert [one["path"] for one in configs[-1]["data_files"]] == ["*/train/*.parquet", "*/test/*.parquet"]


def test_more_collections_than_the_viewer_lists_have_no_config() -> None:
    sides = {f"d{number}": ("train",) for number in range(3_000)}
    assert len(corpus_configs(sides, {name: name for name in sides}, beside={})) == 1


def test_further_tables_are_configs_before_all_and_come_before_a_dataset_of_their_name() -> None:
    sides = {"words": ("train",), "blood": ("test",)}
    found = corpus_configs(sides, {}, beside={"words": {"all": "words.parquet"}})
    assert [config["config_name"] for config in found] == ["blood", "words", "all"]
    assert found[1]["data_files"] == [{"split": "all", "path": "words.parquet"}]
