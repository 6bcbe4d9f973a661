"""What is certified of the files of a split, so that whoever has them can check that they are those."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from c2s_assets.core.errors import LakeError
from c2s_assets.core.reports.counts import counted

# Readers of a folder of Parquet files (pyarrow, pandas) pass by what begins with an underscore, and fail on
# other names, which they take for data.
CERTIFICATE, CERTIFIED_MANIFEST = "_split_certificate.json", "_split_manifest.parquet"
_FORMAT = "c2s split certificate 1"


@dataclass(frozen=True)
class FileMark:
    """What a file is known by; a manifest has no rows of cells."""

    n_rows: int
    sha256: str


@dataclass(frozen=True)
class SideCount:
    """What a side holds; donors are those that can be told apart."""

    n_datasets: int
    n_donors: int
    n_cells: int

    def __str__(self) -> str:
        donors, datasets = counted(self.n_donors, "donor"), counted(self.n_datasets, "dataset")
        return f"{counted(self.n_cells, 'cell')} of {donors} and {datasets}"


@dataclass(frozen=True)
class DatasetMark:
    """The sides of a dataset in the lake, by the SHA-256 of names and contents of their files.

    Attributes
    ----------
    sha256
        Of the files that were exported.
    audited_sha256
        Of the files that the last audit of the lake has seen; None if it has seen none.
    """

    sha256: str
    audited_sha256: str | None

    @property
    def is_audited(self) -> bool:
        """Whether the last audit has seen what was exported."""
        return self.sha256 == self.audited_sha256


@dataclass(frozen=True)
class Certificate:
    """What is certified.

    Attributes
    ----------
    plan_version
        Of the split plan that the sides follow, such as ``2.1``.
    n_leaks
        Leaks that the last audit of the lake found in these datasets; None unless it has seen the sides of
        all of them as they are here. It sees copies under other names, which the files alone do not show.
    datasets
        By id; of a certificate from before there were any, none.
    sides
        By name of the side.
    files
        By path below the folder of the certificate.
    """

    plan_version: str
    n_leaks: int | None
    datasets: Mapping[str, DatasetMark]
    sides: Mapping[str, SideCount]
    files: Mapping[str, FileMark]


def render_certificate(certificate: Certificate) -> str:
    """Write a certificate as JSON; the same content gives the same text."""
    return json.dumps({"format": _FORMAT, **asdict(certificate)}, indent=1, sort_keys=True) + "\n"


def parse_certificate(content: bytes, *, name: str) -> Certificate:
    """Read what `render_certificate` wrote.

    Raises
    ------
    LakeError
        If it is none, or of another version.
    """
    try:
        says = json.loads(content)
        if says["format"] != _FORMAT:
            raise LakeError(
                f"{name} is of the format {says['format']!r}, not {_FORMAT!r}. Update c2s_assets."
            )
        return Certificate(
            plan_version=str(says["plan_version"]),
            n_leaks=None if says["n_leaks"] is None else int(says["n_leaks"]),
            datasets={name: _dataset(mark) for name, mark in says.get("datasets", {}).items()},
            sides={side: _counts(counts) for side, counts in says["sides"].items()},
            files={
                path: FileMark(int(mark["n_rows"]), str(mark["sha256"]))
                for path, mark in says["files"].items()
            },
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise LakeError(f"{name} is no certificate of a split. Fetch it again.") from error


def _dataset(mark: Mapping[str, Any]) -> DatasetMark:
    audited = mark["audited_sha256"]
    return DatasetMark(str(mark["sha256"]), None if audited is None else str(audited))


def _counts(counts: Mapping[str, Any]) -> SideCount:
    return SideCount(int(counts["n_datasets"]), int(counts["n_donors"]), int(counts["n_cells"]))
