"""One partition is one dataset; its key is the `dataset_id`."""

import dagster as dg

datasets = dg.DynamicPartitionsDefinition(name="datasets")
