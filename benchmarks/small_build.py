"""Builds a file as two datasets of an empty lake, one after the other, for `small.py`."""

import json
import os
import resource
import sys
from pathlib import Path
from shutil import copyfile

import dagster as dg

from c2s_assets.core.projections import manifold
from c2s_assets.definitions import defs
from c2s_assets.defs.service import build
from c2s_assets.storage.lake.layout import Layout


def main() -> None:
    """Print the processor seconds of each build, imports with the first."""
    manifold.is_installed = lambda _: False
    layout, taken = Layout(Path(os.environ["C2S_LAKE"])), [0.0]
    with dg.DagsterInstance.ephemeral() as instance:
        for dataset_id in ("first", "second"):
            layout.inbox.mkdir(exist_ok=True)
            copyfile(sys.argv[1], layout.inbox_h5ad(dataset_id))
            report = build(instance, defs, dataset_id)
            if not report.succeeded:
                raise SystemExit(f"{dataset_id} was not built")
            taken.append(_processor_seconds())
    print(json.dumps({"new": taken[1], "warm": taken[2] - taken[1]}))


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
