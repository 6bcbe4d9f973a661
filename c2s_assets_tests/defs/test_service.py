"""An instance of Dagster that is new knows the datasets of the lake."""

from pathlib import Path

import dagster as dg

from c2s_assets.defs.partitions import datasets
from c2s_assets.defs.service import register, register_known
from c2s_assets_tests.toy import make_lake


def _known(instance: dg.DagsterInstance) -> set[str]:
    return set(instance.get_dynamic_partitions(datasets.name or ""))


def test_a_new_instance_knows_all_datasets_of_a_lake_that_moved_to_it(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    layout.dataset("old").mkdir(parents=True)
    layout.record("old").write_text("{}")
    with dg.DagsterInstance.ephemeral() as instance:
        register_known(instance, layout)
        assert _known(instance) == {"old"}


def test_a_dataset_that_was_hidden_in_the_ui_stays_hidden(tmp_path: Path) -> None:
    layout = make_lake(tmp_path)
    for name in ("hidden", "shown"):
        layout.dataset(name).mkdir(parents=True)
        layout.record(name).write_text("{}")
    with dg.DagsterInstance.ephemeral() as instance:
        register(instance, "shown")
        register_known(instance, layout)
        assert _known(instance) == {"shown"}
