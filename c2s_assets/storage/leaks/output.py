"""Files of one renewal, staged beside those of the last, so that only what is different takes its place."""

from dataclasses import dataclass, field
from filecmp import cmp
from pathlib import Path

import polars as pl

from c2s_assets.core.findings import Finding
from c2s_assets.schemas.arrow import arrow_schema
from c2s_assets.schemas.tables import Table
from c2s_assets.schemas.violations import keeps_schema, tables_keep_schemas
from c2s_assets.storage.lake.staging import Stage
from c2s_assets.storage.tables.parquet import read_table, with_metadata, write_table


@dataclass(frozen=True)
class Output:
    """Where a renewal writes.

    Attributes
    ----------
    folders
        What lies in them and is not wanted any more is removed.
    wanted
        The places of all its files, those that stay as they are among them.
    staged
        Of these, the ones that are staged.
    tables
        The tables among them that `write` has staged, by their model.
    """

    stage: Stage
    folders: tuple[Path, ...]
    wanted: set[Path] = field(default_factory=set)
    staged: set[Path] = field(default_factory=set)
    tables: dict[Table, list[Path]] = field(default_factory=dict)

    def keep(self, target: Path) -> None:
        """Leave a file as it is."""
        self.wanted.add(target)

    def place(self, target: Path) -> Path:
        """Tell where to write a new version of a file."""
        self.wanted.add(target)
        self.staged.add(target)
        return self.stage.path(target)

    def present(self, target: Path) -> Path:
        """Tell where a file is that is wanted: among those that are staged, or in its place."""
        return self.stage.path(target) if target in self.staged else target

    def write(self, target: Path, rows: pl.DataFrame, *, model: Table, table: str, **says: object) -> None:
        """Write a table, unless the lake holds the very same; `says` is what stands in its footer besides."""
        written = self.place(target)
        write_table(written, rows, schema=with_metadata(arrow_schema(model), {"table": table, **says}))
        if target.exists() and cmp(written, target, shallow=False):
            written.unlink()
            self.staged.discard(target)
            return
        self.tables.setdefault(model, []).append(written)

    def keeps_schemas(self) -> Finding:
        """Claim that the staged tables keep their models."""
        return tables_keep_schemas(
            keeps_schema((read_table(path) for path in paths), model) for model, paths in self.tables.items()
        )

    def changed(self) -> list[Path]:
        """Name the places of what is new, different or no longer wanted."""
        there = {path for folder in self.folders for path in folder.rglob("*.parquet")}
        return sorted(self.staged | (there - self.wanted))
