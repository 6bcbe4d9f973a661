"""Lakes of fingerprints with copies planted in them, without source files."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from c2s_assets.core.leaks.spec import SPEC_ID
from c2s_assets.core.leaks.tables import fingerprint_table
from c2s_assets.schemas.record import Built, MadeFrom
from c2s_assets.schemas.registry import FINGERPRINTS
from c2s_assets.schemas.tables import CellFingerprints
from c2s_assets.storage.lake.digest import tree_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.staging import stage
from c2s_assets.storage.leaks.audit import Audit, audit_sides
from c2s_assets.storage.leaks.renewing import Renewal, renew
from c2s_assets.storage.tables.parquet import write_blocks
from c2s_assets_tests.core.leaks.counting import draw_counts, fingerprint, gene_ids
from c2s_assets_tests.toy import put_toy_tables

N_VARS = 3000
IDS = gene_ids(N_VARS)
Counts = NDArray[np.float32]


def draw(n_obs: int, *, seed: int, n_genes: int = 600) -> Counts:
    """Draw cells that nobody has a copy of."""
    return draw_counts(n_obs, n_vars=N_VARS, n_genes=n_genes, seed=seed)


def drop_genes(counts: Counts, *, frac: float, seed: int = 0) -> Counts:
    """Lose some of the genes, the same in all cells."""
    is_lost = np.random.default_rng(seed).random(N_VARS) < frac
    return np.where(is_lost, 0, counts)


def put_cells(
    layout: Layout,
    dataset_id: str,
    counts: Counts,
    *,
    donors: Sequence[str | None],
    is_primary: bool | None = None,
    version: str = "a",
) -> None:
    """Commit `cell_metadata` and `cell_fingerprints` of a dataset, as a build would.

    Parameters
    ----------
    donors
        Whose the cells are, in turns.
    """
    n_obs = len(counts)
    cells = pl.DataFrame(
        {
            "donor_id": pl.Series([donors[row % len(donors)] for row in range(n_obs)], dtype=pl.String),
            "is_primary_data": pl.Series([is_primary] * n_obs, dtype=pl.Boolean),
        }
    )
    put_toy_tables(layout, dataset_id, cells=cells, n_parts=0, version=version)
    ids = pl.read_parquet(layout.table("cell_metadata", dataset_id))["cell_id"]
    source = {"dataset_id": dataset_id, "source_sha256": version * 64}
    target = layout.table(FINGERPRINTS, dataset_id)
    with stage(layout, dataset_id) as staged:
        written = staged.path(target)
        table = fingerprint_table(fingerprint(counts, IDS), ids)
        write_blocks(written, [table], model=CellFingerprints, footer={**source, "spec_id": SPEC_ID})
        made_from = MadeFrom(source_sha256=version * 64, inputs={}, settings={}, code_version="1")
        built = Built(files={}, n_rows=n_obs, digest=tree_digest(written), made_from=made_from, checks=[])
        staged.commit(target, record=lambda record: record.with_built(FINGERPRINTS, built))


def renew_lake(layout: Layout) -> Renewal:
    """Renew what is known of copies, and commit it."""
    with stage(layout, "donor_aliases") as staged:
        renewal = renew(staged, layout)
        staged.commit(*renewal.targets)
    return renewal


def audit_lake(layout: Layout) -> Audit:
    """Audit the sides of a lake, and commit what was found."""
    with stage(layout, "leak_audit") as staged:
        found = audit_sides(staged, layout)
        staged.commit(*found.targets)
    assert found.keeps_schemas.holds, found.keeps_schemas.message
    return found
