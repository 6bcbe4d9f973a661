"""Makes an archive of a small lake with the code of an earlier commit, and nothing of this one.

    git worktree add /tmp/earlier COMMIT
    cd /tmp/earlier && PYTHONPATH=. python <this file> COMMIT.tar.xz

The lake holds one toy dataset, that is made data: `atlas`, of a Discover that ran on the same machine. What
its runs printed is left out. Nine tenths of the archive are what Dagster keeps of the runs.
"""

import os
import sys
import tarfile
import tempfile
from pathlib import Path

_NOWHERE = "http://127.0.0.1:9/unreachable"
_BUILT = (
    *("raw_h5ad", "dataset_profile", "unstructured_metadata", "cell_metadata", "split_manifest"),
    *("feature_metadata", "cell_sentences", "train_test", "validation_report"),
)


def make(archive: Path) -> None:
    """Make the lake, and pack it."""
    from c2s_assets import definitions
    from c2s_assets.cli.main import main
    from c2s_assets.defs.resources import Cellxgene, Hgnc, Store
    from c2s_assets.defs.service import build, open_instance
    from c2s_assets_tests.discover import serve_discover
    from c2s_assets_tests.toy import make_lake, write_toy_h5ad

    with tempfile.TemporaryDirectory() as folder, serve_discover(seconds=1_800) as discover:
        layout = make_lake(Path(folder))
        discover.add("atlas", write_toy_h5ad(Path(folder) / "atlas.h5ad", n_obs=24, n_vars=12, seed=3))
        layout.settings.write_text("cellxgene: {min_cells: 0}")
        os.environ["C2S_LAKE"] = str(layout.root)
        resources = {
            "store": Store(root=str(layout.root)),
            "hgnc": Hgnc(url=_NOWHERE),
            "cellxgene": Cellxgene(base_url=discover.url),
        }
        definitions.defs = definitions.build_definitions({**(definitions.defs.resources or {}), **resources})
        if main(["select", "--refresh"]):
            raise SystemExit("nothing was listed")
        with open_instance(layout) as instance:
            if not build(instance, definitions.defs, "atlas", assets=_BUILT).succeeded:
                raise SystemExit("atlas was not built")
        with tarfile.open(archive, "w:xz") as packed:
            packed.add(layout.root, "lake", filter=_kept)


def _kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "/.dagster/storage/" in entry.name else entry


if __name__ == "__main__":
    make(Path(sys.argv[1]).absolute())
