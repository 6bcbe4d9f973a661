import pytest

from c2s_assets.core import settings
from c2s_assets.core.errors import ConfigError
from c2s_assets.core.sentences.composing import SentenceSpec
from c2s_assets.core.settings import DatasetEntry, DatasetsFile, parse_datasets_file
from c2s_assets.core.spatial.spec import SpatialEntry
from c2s_assets.core.splits.spec import SplitSpec
from c2s_assets.core.tabular.spec import PseudocellSettings


def refused(text):
    with pytest.raises(ConfigError) as caught:
        _use_all(text)
    assert str(caught.value).startswith("datasets.yaml")
    return str(caught.value)


def _use_all(text):
    parsed = parse_datasets_file(text)
    for dataset_id in parsed.named:
        parsed.entry(dataset_id)


# --- what it says


@pytest.mark.parametrize(
    "text",
    ["", "\n# nothing yet\n", "datasets:", "sentences:\nsplit:\n", "{}", "sentences: {gene_lists: }"],
    ids=["empty", "a comment", "no datasets", "empty sections", "an empty mapping", "no gene lists"],
)
def test_what_is_left_out_is_as_by_default(text):
    assert parse_datasets_file(text) == DatasetsFile()


def test_every_key_is_read():
    parsed = parse_datasets_file(
        """
        sentences:
          top_n: 100
          tie: feature_id
          seed: 7
          gene_lists: {ribosomal: [RPL3, RPL4], none: []}
        split: {test_size: 0.2, seed: 3, non_primary: keep, missing_age: keep}
        pseudocells: {n_cells: 5, n_draws: 10, seed: 1}
        build: [pseudobulk, pseudocells]
        datasets:
          atlas:
            title: Human muscle
            licence: CC BY 4.0
            citation: Doe et al. (2024)
            organism: Homo sapiens
            layer: raw.X
            donor_column: DonorID
            age_column: Age
            age_unit: years
            age_group_column: Group
            cell_type_column: annotation
            symbol_column: gene
            spatial: {coordinates: places, um_per_unit: 0.5, section_column: slide, unit: bin}
            limits: {features: 6000000}
        """
    )
    assert parsed.sentences.model_dump() == {
        "top_n": 100,
        "tie": "feature_id",
        "seed": 7,
        "gene_lists": {"ribosomal": ["RPL3", "RPL4"], "none": []},
    }
    assert parsed.pseudocells == PseudocellSettings(n_cells=5, n_draws=10, seed=1)
    assert parsed.build == ["pseudobulk", "pseudocells"]
    assert parsed.split == SplitSpec(test_size=0.2, seed=3, non_primary="keep", missing_age="keep")
    assert parsed.entry("atlas").limits.raised() == {"features": 6_000_000}
    assert parsed.entry("atlas").spatial == SpatialEntry(
        coordinates="places", um_per_unit=0.5, section_column="slide", unit="bin"
    )
    assert list(parsed.entry("atlas").model_dump(exclude={"limits", "spatial"}).values()) == [
        "Human muscle",
        "CC BY 4.0",
        "Doe et al. (2024)",
        "Homo sapiens",
        "raw.X",
        "DonorID",
        "Age",
        "years",
        "Group",
        "annotation",
        "gene",
    ]


def test_an_empty_section_says_that_a_dataset_is_spatial():
    parsed = parse_datasets_file("datasets: {tissue: {spatial: }, blood: {}}")
    assert parsed.entry("tissue").spatial == SpatialEntry()
    stated = [parsed.states("spatial", dataset_id=name) for name in ("tissue", "blood", "other")]
    assert stated == [True, False, False]
    assert not parsed.states("spatial.image", dataset_id="tissue")


def test_a_vision_model_is_read_and_where_it_runs_decides_nothing():
    vision = "vision: {endpoint: 'http://localhost:8000/v1', model: some-model, api_key_env: VISION_KEY}"
    parsed = parse_datasets_file(f"datasets: {{tissue: {{spatial: {{image: x.tif, {vision}}}}}, b: {{}}}}")
    without = parse_datasets_file("datasets: {tissue: {spatial: {image: x.tif, vision: }}}")
    assert parsed.states("spatial.vision", dataset_id="tissue")
    assert not without.states("spatial.vision", dataset_id="tissue")
    assert parsed.values(["entry.vision"], dataset_id="tissue") == {
        "entry.vision": {"model": "some-model", "max_cells": 1_000}
    }
    assert parsed.values(["entry.vision"], dataset_id="b") == {"entry.vision": None}
    of_others = [one.values(["entry.spatial"], dataset_id="tissue") for one in (parsed, without)]
    assert of_others[0] == of_others[1]


@pytest.mark.parametrize(
    ("vision", "message"),
    [
        ("{model: m}", "datasets.a.spatial.vision.endpoint"),
        ("{endpoint: 'ftp://x', model: m}", "datasets.a.spatial.vision.endpoint is 'ftp://x'"),
        (
            "{endpoint: 'http://x', model: m, api_key_env: sk-hunter2}",
            "of a variable that holds the key",
        ),
        ("{endpoint: 'http://x', model: m, max_cells: 0}", "datasets.a.spatial.vision.max_cells is 0"),
    ],
    ids=["no address", "no web address", "a key", "no cells"],
)
def test_a_vision_model_that_cannot_be_asked_is_refused_without_a_key_in_the_message(vision, message):
    said = refused(f"datasets: {{a: {{spatial: {{image: x, vision: {vision}}}}}}}")
    assert message in said
    assert "hunter2" not in said


def test_a_vision_model_without_an_image_has_no_effect_and_is_refused():
    said = refused("datasets: {a: {spatial: {vision: {endpoint: 'http://x', model: m}}}}")
    assert "datasets.a.spatial: vision has no effect without image" in said


def test_a_selection_of_discover_is_read_and_one_text_is_a_list_of_it():
    parsed = parse_datasets_file(
        "cellxgene: {tissue: blood, organism: [Homo sapiens], has_ages: true, max_cells: 10, exclude: [x]}"
    ).cellxgene
    assert parsed.model_dump(exclude_defaults=True) == {
        "tissue": ["blood"],
        "organism": ["Homo sapiens"],
        "has_ages": True,
        "max_cells": 10,
        "exclude": ["x"],
    }
    assert not parsed.is_empty


def test_spaces_around_a_label_are_none_of_it():
    parsed = parse_datasets_file("cellxgene: {tissue: ' blood ', datasets: ['a ', b]}").cellxgene
    assert (parsed.tissue, parsed.datasets) == (["blood"], ["a", "b"])


@pytest.mark.parametrize("text", ["", "cellxgene:", "cellxgene: {exclude: [x]}", "cellxgene: {tissue: }"])
def test_without_a_filter_or_a_name_nothing_of_discover_is_selected(text):
    """Guards the disk: the whole of Discover is terabytes."""
    assert parse_datasets_file(text).cellxgene.is_empty


def test_the_file_of_the_documentation_can_be_read():
    example = (settings.__doc__ or "").partition("::\n")[2]
    assert parse_datasets_file(example).entry("my_atlas").donor_column == "DonorID"


def test_a_dataset_that_is_not_listed_has_an_entry_that_says_nothing():
    parsed = parse_datasets_file("datasets: {other: {title: x}, empty: }")
    assert parsed.entry("atlas") == parsed.entry("empty") == DatasetEntry()


def test_the_defaults_are_those_of_the_specifications():
    parsed = DatasetsFile()
    assert parsed.split == SplitSpec()
    assert SentenceSpec(layer="X", symbols="", **parsed.sentences.model_dump()) == SentenceSpec(
        layer="X", symbols=""
    )


def test_a_share_without_a_dot_is_a_text_to_yaml_and_refused():
    """YAML 1.1 takes 1e-1 for a text; the message shows it with its quotes."""
    assert "split.test_size is '1e-1'" in refused("split: {test_size: 1e-1}")


# --- what is wrong with it


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sentence: {}", "sentence is not a key; known are build, cellxgene, communication,"),
        ("sentences: {topn: 3}", "sentences.topn is not a key; known are gene_lists, seed, tie, top_n"),
        (
            "split: {size: 3}",
            "split.size is not a key; known are by, cultures, missing_age, non_primary, perturbed, seed, "
            "test_size, validation_size",
        ),
        ("cellxgene: {tissues: [x]}", "cellxgene.tissues is not a key; known are assay, cell_type,"),
        (
            "datasets: {atlas: {donor: x}}",
            "datasets.atlas.donor is not a key; known are age_column, age_group",
        ),
        ("sentence:", "sentence is not a key; known are build, cellxgene, communication,"),
        (
            "datasets: {atlas: {limits: {cell: 3}}}",
            "datasets.atlas.limits.cell is not a key; known are categories, cell_bytes, cells,",
        ),
        (
            "datasets: {atlas: {spatial: {vision: {url: x}}}}",
            "atlas.spatial.vision.url is not a key; known are api_key_env, endpoint, max_cells, model",
        ),
    ],
    ids=["top level", "sentences", "split", "selection", "dataset", "without a value", "limits", "vision"],
)
def test_a_key_that_is_not_known_is_refused_with_those_that_are(text, message):
    assert message in refused(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sentences: {top_n: 0}", "sentences.top_n is 0: it should be a whole number from 1 on, or auto"),
        (
            "sentences: {top_n: '2000'}",
            "sentences.top_n is '2000': it should be a whole number from 1 on, or auto",
        ),
        ("sentences: {top_n: 1.5}", "sentences.top_n is 1.5: it should be a whole number from 1 on, or auto"),
        (
            "sentences: {top_n: true}",
            "sentences.top_n is True: it should be a whole number from 1 on, or auto",
        ),
        ("sentences: {seed: }", "sentences.seed is None: input should be a valid integer"),
        ("sentences: {tie: random}", "sentences.tie is 'random': input should be 'hash' or 'feature_id'"),
        ("sentences: 3", "sentences is 3: it should hold keys with values"),
        ("sentences: {gene_lists: [A]}", "sentences.gene_lists is ['A']: it should hold keys with values"),
        (
            "sentences: {gene_lists: {a: RPL3}}",
            "sentences.gene_lists.a is 'RPL3': input should be a valid list",
        ),
        (
            "sentences: {gene_lists: {a: [A, NO]}}",
            "sentences.gene_lists.a.1 is False: it should be a text; put",
        ),
        ("sentences: {gene_lists: {Ribo: []}}", "sentences.gene_lists.Ribo is 'Ribo': string should match"),
        ("sentences: {gene_lists: {a b: []}}", "sentences.gene_lists.a b is 'a b': string should match"),
        (
            "sentences: {gene_lists: {1: []}}",
            "sentences.gene_lists.1 is 1: it should be a text; put it in quotes",
        ),
        ("split: {test_size: 0}", "split.test_size is 0: input should be greater than 0"),
        ("split: {test_size: 1.0}", "split.test_size is 1.0: input should be less than 1"),
        ("split: {test_size: .nan}", "split.test_size is nan: input should be"),
        (
            "split: {non_primary: no}",
            "split.non_primary is False: input should be 'drop', 'keep_if_unique' or 'keep'",
        ),
        ("datasets: [atlas]", "datasets is ['atlas']: it should hold keys with values"),
        ("datasets: {atlas: X}", "datasets.atlas is 'X': it should hold keys with values"),
        (
            "datasets: {atlas: {title: 2024}}",
            "datasets.atlas.title is 2024: it should be a text; put it in quotes",
        ),
        (
            "datasets: {atlas: {age_unit: y}}",
            "datasets.atlas.age_unit is 'y': input should be 'years', 'months'",
        ),
        ("datasets: {10213: {}}", "datasets.10213 is 10213: it should be a text; put it in quotes"),
        (
            "cellxgene: {disease: no}",
            "cellxgene.disease.0 is False: it should be a text; put it in quotes, since YAML takes yes, no",
        ),
        ("cellxgene: {tissue: {blood: 1}}", "cellxgene.tissue is {'blood': 1}: input should be a valid list"),
        (
            "cellxgene: {min_cells: 5, max_cells: 3}",
            "cellxgene: min_cells, 5, is more than max_cells, 3. Correct it",
        ),
        ("- atlas", "the top level is ['atlas']: it should hold keys with values"),
        ("atlas", "the top level is 'atlas': it should hold keys with values"),
        ("0", "the top level is 0: it should hold keys with values"),
    ],
)
def test_a_value_that_cannot_be_followed_is_refused_with_its_place(text, message):
    assert message in refused(text)


def test_all_mistakes_are_named_at_once():
    message = refused("{sentences: {top_n: x, seed: y}, split: {seed: z}}")
    assert all(f" is '{value}'" in message for value in "xyz")


def test_a_long_value_is_cut_in_the_message():
    message = refused(f"sentences: {{top_n: {list(range(1000))}}}")
    assert "sentences.top_n is [0, 1, 2" in message
    assert len(message) < 300


@pytest.mark.parametrize("dataset_id", ["../secret", "a/b", "", "a b"], ids=repr)
def test_a_name_that_cannot_be_a_dataset_is_refused(dataset_id):
    message = refused(f"datasets: {{{dataset_id!r}: {{}}}}")
    assert f"{dataset_id!r} cannot be a dataset id. Use 1 to 128 letters" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("datasets: {atlas: {title: x}", "line 1"),
        ("a:\n\tb: 1", "line 2"),
        ("title: 2024-13-45", "month must be in 1..12"),
        ("a: \x00", "special characters are not allowed"),
        ("a: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("--- {}\n--- {}\n", "expected a single document"),
    ],
    ids=["a bracket is open", "a tab", "no such month", "a control character", "code", "two documents"],
)
def test_what_is_not_yaml_is_refused_with_its_place(text, message):
    assert message in refused(text)
    assert refused(text).startswith("datasets.yaml is not valid YAML: ")


def test_a_key_that_stands_twice_is_refused():
    """YAML would keep the last without a word, and the first entry of a dataset would be lost."""
    message = refused("datasets:\n  atlas: {title: x}\n  other: {}\n  atlas: {licence: y}\n")
    assert "the key 'atlas' stands there twice" in message
    assert "line 4" in message


def test_entries_may_share_lines_as_yaml_offers():
    text = "datasets:\n  a: &a {layer: X, title: A}\n  b: {<<: *a, title: B}\n"
    assert parse_datasets_file(text).entry("b") == DatasetEntry(layer="X", title="B")


def test_a_mistake_in_one_entry_stops_no_other_dataset():
    parsed = parse_datasets_file("datasets: {wrong: {donor: x}, 7: {}, '../x': {}, right: {layer: X}}")
    assert parsed.named == {"wrong", "7", "../x", "right"}
    assert parsed.entry("right").layer == "X"
    assert parsed.entry("without").layer is None
    for dataset_id, said in (
        ("wrong", "donor is not a key"),
        ("7", "put it in quotes"),
        ("../x", "cannot be"),
    ):
        with pytest.raises(ConfigError, match=said):
            parsed.values(["entry.layer"], dataset_id=dataset_id)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "{age_group_column: bin, age_unit: months}",
            "age_unit, months, would not be that of age_group_column, whose groups are years. Give the "
            "groups as age_column",
        ),
        ("{age_column: a, age_group_column: bin, age_unit: days}", "leave age_group_column out"),
        ("{age_unit: months}", "age_unit, months, has no effect without age_column"),
        ("{age_unit: years}", "age_unit, years, has no effect without age_column"),
    ],
    ids=["of groups", "of groups besides", "of nothing", "of nothing, though by default"],
)
def test_a_unit_without_effect_is_refused(entry, message):
    said = refused(f"datasets: {{atlas: {entry}}}")
    assert said.startswith("datasets.yaml: datasets.atlas: age_unit")
    assert message in said


@pytest.mark.parametrize(
    "entry", ["{age_column: a, age_unit: months}", "{age_group_column: a, age_unit: years}"]
)
def test_a_unit_that_is_right_is_taken(entry):
    assert parse_datasets_file(f"datasets: {{atlas: {entry}}}").entry("atlas").age_unit in ("months", "years")


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        DatasetsFile().split.seed = 1
