"""Builds metadata, sentences and splits of a dataset of $C2S_LAKE, with their checks and pictures.

    python -m benchmarks.main_job DATASET_ID

That is `c2s build` without the matrix, its projections and the report on all of it, which the pipeline that
`benchmarks.run` compares with does not have.
"""

import os
import sys
from pathlib import Path

from c2s_assets.cli.building import print_report
from c2s_assets.definitions import defs
from c2s_assets.defs.service import build, open_instance
from c2s_assets.storage.lake.layout import Layout

_ASSETS = (
    *("raw_h5ad", "dataset_profile", "unstructured_metadata", "cell_metadata", "feature_metadata"),
    *("cell_sentences", "split_manifest", "train_test"),
)


def main() -> int:
    """Build them and print what each step took."""
    dataset_id, layout = sys.argv[1], Layout(Path(os.environ["C2S_LAKE"]))
    with open_instance(layout) as instance:
        report = build(instance, defs, dataset_id, assets=_ASSETS)
    print_report(dataset_id, report, layout)
    return 0 if report.succeeded else 1


if __name__ == "__main__":
    raise SystemExit(main())
