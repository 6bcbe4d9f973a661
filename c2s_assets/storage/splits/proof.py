"""Checks the files of a split that somebody holds, without a lake. Loads pyarrow and numpy only."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from c2s_assets.core.columns import DONOR_UID, SPLIT
from c2s_assets.core.errors import LakeError
from c2s_assets.core.splits.certificate import CERTIFICATE, CERTIFIED_MANIFEST, Certificate, parse_certificate
from c2s_assets.core.splits.sides import SIDES
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.splits.written import (
    ALL_PLACES,
    NO_SIDE,
    Written,
    find_repeated,
    read_written,
    side_of,
)

# Of each kind of finding; the last line counts the others.
_MOST_NAMED = 20
_COMPONENT, _N_QUARANTINED = "component_id", "n_quarantined"


@dataclass(frozen=True)
class Proof:
    """What was checked, and all that was found wrong, a line each."""

    checked: list[str]
    found: list[str]


def verify_split(places: Sequence[Path]) -> Proof:
    """Check files, or folders of files, of a split.

    With the certificate of a folder: that the files are those that it names. Always: that no donor, no person
    under several ids and no cell is on two sides.
    """
    found = [f"{place}: is not there" for place in places if not place.exists()]
    files = list(dict.fromkeys(path for place in places for path in find_files(place)))
    found += [f"{place}: no Parquet file of a side in it" for place in places if _is_empty(place)]
    if not files:
        return Proof([], found)
    written = read_written(files)
    found += [f"{path}: cannot be read: {why}" for path, why in written.unread.items()]
    found += _misplaced(written)
    checked = [_summary(written)]
    folders = [place for place in places if (place / CERTIFICATE).exists()]
    if not folders:
        checked.append("no certificate: only what the rows show was checked")
    for folder in folders:
        try:
            checked.append(_check_certificate(folder, written, found))
        except (LakeError, pa.ArrowException, OSError) as error:
            found.append(str(error))
    found += _torn_donors(written)
    found += _repeated(files, written)
    return Proof(checked, found)


def find_files(place: Path) -> list[Path]:
    """List the files of a split: those in folders of sides or, where there is none, all Parquet files."""
    if place.is_file():
        return [place]
    files = [
        path
        for path in sorted(place.rglob("*.parquet"))
        if not any(part.startswith(("_", ".")) for part in path.relative_to(place).parts)
    ]
    return [path for path in files if side_of(path) is not None] or files


def _is_empty(place: Path) -> bool:
    return place.is_dir() and not find_files(place)


def _summary(written: Written) -> str:
    datasets = set().union(*written.datasets)
    sides = ", ".join(f"{n:,} {side}" for side, n in zip(SIDES, written.n_cells, strict=False))
    return (
        f"{len(written.n_rows):,} files, {len(datasets):,} datasets, {len(written.donors):,} donors, "
        f"{written.n_cells.sum():,} cells: {sides}"
    )


def _misplaced(written: Written) -> Iterator[str]:
    for path, n in written.n_elsewhere.items():
        if n:
            yield f"{path}: column split of {n:,} rows names another side than {side_of(path)}"
    if n := written.n_cells[NO_SIDE]:
        yield f"{n:,} rows are on no side: neither the folder of their file nor a column split names one"
    if len(written.keys) < written.n_cells.sum():
        n_nameless = written.n_cells.sum() - len(written.keys)
        yield f"{n_nameless:,} rows have no cell_id, so they cannot be compared"


def _torn_donors(written: Written) -> Iterator[str]:
    torn = ((donor, n) for donor, n in sorted(written.donors.items()) if np.count_nonzero(n) > 1)
    yield from _shortened(f"donor {donor!r} is on several sides: {_by_side(n)}" for donor, n in torn)


def _repeated(files: Sequence[Path], written: Written) -> Iterator[str]:
    cells, n_more = find_repeated(files, written, most=_MOST_NAMED)
    for (dataset, cell), rows in cells.items():
        sides = sorted({ALL_PLACES[side] for side in rows})
        where = f"is on {' and '.join(sides)}" if len(sides) > 1 else f"is there {len(rows)} times"
        yield f"cell {cell!r} of {dataset!r} {where}"
    if n_more:
        yield f"and {n_more:,} more cells like this"


def _check_certificate(folder: Path, written: Written, found: list[str]) -> str:
    """Compare a folder with its certificate, add what is found, and say which certificate it is."""
    path = folder / CERTIFICATE
    certificate = parse_certificate(path.read_bytes(), name=str(path))
    found += _other_files(folder, certificate, written)
    for side, counts in written.counts().items():
        if (said := certificate.sides.get(side)) != counts:
            found.append(f"{side}: there are {counts}, and certified are {said or 'none'}")
    found += _other_donors(folder / CERTIFIED_MANIFEST, written)
    return (
        f"certificate of split plan {certificate.plan_version}, SHA-256 {file_digest(path)} "
        f"(compare it with the one that was published); {_audited(certificate)}"
    )


def _audited(certificate: Certificate) -> str:
    unseen = sorted(name for name, mark in certificate.datasets.items() if not mark.is_audited)
    if certificate.n_leaks is not None and not unseen:
        return f"the last audit has seen these sides, and found {certificate.n_leaks:,} leaks"
    of_which = ""
    if unseen:
        of_which = (
            f" in {len(unseen):,} of {len(certificate.datasets):,} datasets, the first is {unseen[0]!r}"
        )
    return f"copies under other names were not looked for{of_which}: run c2s audit, and export again"


def _other_files(folder: Path, certificate: Certificate, written: Written) -> Iterator[str]:
    """Find files that are missing, of other content, or not certified."""
    there = {path.relative_to(folder).as_posix(): path for path in find_files(folder)}
    if (folder / CERTIFIED_MANIFEST).exists():
        there[CERTIFIED_MANIFEST] = folder / CERTIFIED_MANIFEST
    for name in sorted(certificate.files.keys() - there.keys()):
        yield f"{name!r} is certified, and missing"
    for name in sorted(there.keys() - certificate.files.keys()):
        yield f"{name!r} is there, and not certified"
    for name in sorted(there.keys() & certificate.files.keys()):
        mark, n_rows = certificate.files[name], written.n_rows.get(there[name])
        if n_rows is not None and n_rows != mark.n_rows:
            yield f"{name!r} has {n_rows:,} rows, and {mark.n_rows:,} are certified"
        elif file_digest(there[name]) != mark.sha256:
            yield f"{name!r} is not the file that is certified: its SHA-256 is another"


def _other_donors(manifest: Path, written: Written) -> Iterator[str]:
    """Find donors that are elsewhere than their manifest says, in quarantine, or one person on two sides."""
    if not manifest.exists():
        return  # told by `_other_files`
    persons: dict[str, list[str]] = {}
    lines: list[str] = []
    for row in _donors_of(manifest):
        donor, counts = row[DONOR_UID], written.donors.get(row[DONOR_UID])
        if counts is None:
            continue
        if row[_N_QUARANTINED]:
            lines.append(f"donor {donor!r} is in quarantine: {_by_side(counts)}")
        elif row[SPLIT] is not None and (n := _n_elsewhere(counts, row[SPLIT])):
            lines.append(f"donor {donor!r} is to be in {row[SPLIT]!r}, and {n:,} cells are elsewhere")
        if row[_COMPONENT] is not None:
            persons.setdefault(row[_COMPONENT], []).append(donor)
    yield from _shortened(dict.fromkeys(lines))
    yield from _shortened(_torn_persons(persons, written))


def _torn_persons(persons: Mapping[str, list[str]], written: Written) -> Iterator[str]:
    for person, donors in sorted(persons.items()):
        names = sorted(set(donors))
        counts = np.sum([written.donors[name] for name in names], axis=0)
        if len(names) > 1 and np.count_nonzero(counts) > 1:
            known_as = ", ".join(map(repr, names))
            yield f"person {person!r} is on several sides as {known_as}: {_by_side(counts)}"


def _donors_of(manifest: Path) -> Iterator[dict[str, Any]]:
    """Read the rows of donors; those of single cells name none."""
    columns = [DONOR_UID, _COMPONENT, SPLIT, _N_QUARANTINED]
    with pq.ParquetFile(manifest) as file:
        if lacking := [name for name in columns if name not in file.schema_arrow.names]:
            raise LakeError(f"{manifest} has no column {lacking[0]}, so it is no manifest. Fetch it again.")
        for rows in file.iter_batches(columns=columns):
            yield from rows.filter(rows.column(DONOR_UID).is_valid()).to_pylist()


def _n_elsewhere(counts: NDArray[np.int64], side: str) -> int:
    return int(sum(n for name, n in zip(ALL_PLACES, counts, strict=True) if name != side))


def _by_side(counts: NDArray[np.int64]) -> str:
    return ", ".join(f"{n:,} cells in {ALL_PLACES[side]}" for side, n in enumerate(counts) if n)


def _shortened(lines: Iterator[str] | Mapping[str, None]) -> Iterator[str]:
    """Give the first lines of a kind, and how many more there are."""
    n = 0
    for n, line in enumerate(lines, start=1):
        if n <= _MOST_NAMED:
            yield line
    if n > _MOST_NAMED:
        yield f"and {n - _MOST_NAMED:,} more like this"
