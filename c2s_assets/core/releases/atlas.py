"""An atlas: all tables of one dataset, under the names that published atlases have."""

from dataclasses import dataclass

from c2s_assets.core.releases.entry import ReleaseEntry

LICENCE = "LICENSE"
STRUCTURE, REPORT = "detailed_structure.json", "validation_report.json"


@dataclass(frozen=True)
class AtlasNames:
    """What the files of an atlas are called."""

    prefix: str

    @property
    def expression(self) -> str:
        """The sparse form, which the viewer shows."""
        return f"{self.prefix}_expression.parquet"

    @property
    def wide(self) -> str:
        """Folder of the parts of the wide form."""
        return f"{self.prefix}_expression_matrix"

    @property
    def cells(self) -> str:
        """One row per cell."""
        return f"{self.prefix}_sample_metadata.parquet"

    @property
    def features(self) -> str:
        """One row per feature."""
        return f"{self.prefix}_feature_metadata.parquet"

    @property
    def unstructured(self) -> str:
        """What is in no table."""
        return f"{self.prefix}_unstructured_metadata.json"

    def projection(self, table: str) -> str:
        """One row per cell: where it lies in an embedding, ``X_umap``."""
        return f"{self.prefix}_projection_{table}.parquet"

    def table_of(self, path: str) -> str:
        """Name the table that a file holds, or is a part of: that of its config, if it has one."""
        name = path.partition("/")[0].removeprefix(f"{self.prefix}_")
        return name.removesuffix(".parquet").removesuffix(".json")


def names_of(entry: ReleaseEntry) -> AtlasNames:
    """Return what the files of an atlas are called."""
    return AtlasNames(entry.prefix or entry.datasets[0])
