"""What assets are parted by: most by dataset, whose key is the `dataset_id`; releases by their name."""

import dagster as dg

datasets = dg.DynamicPartitionsDefinition(name="datasets")
releases = dg.DynamicPartitionsDefinition(name="releases")
