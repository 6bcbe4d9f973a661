"""Lints a staged release: reads what its files say of themselves, and the texts in them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import yaml

from c2s_assets.core.columns import CELL_SENTENCE
from c2s_assets.core.findings import Finding
from c2s_assets.core.releases.card import CARD
from c2s_assets.core.releases.contacts import WORTH_A_LOOK, find_contact, is_of_contacts
from c2s_assets.core.releases.lint import (
    Config,
    FileFacts,
    configs_load,
    footers_are_true,
    keeps_limits_of_hub,
    names_nobody,
)
from c2s_assets.core.splits.certificate import CERTIFICATE, CERTIFIED_MANIFEST, parse_certificate
from c2s_assets.schemas.releases import ReleaseDocument
from c2s_assets.storage.tables.parquet import iter_table
from c2s_assets.storage.tables.scanning import scan_files


def certified_rows(folder: Path) -> dict[str, int]:
    """Return how many rows each file has by the certificate."""
    certificate = parse_certificate((folder / CERTIFICATE).read_bytes(), name=CERTIFICATE)
    return {path: mark.n_rows for path, mark in certificate.files.items() if path != CERTIFIED_MANIFEST}


def lint_release(
    folder: Path,
    document: ReleaseDocument,
    *,
    counted: Mapping[str, int],
    last: ReleaseDocument | None,
) -> list[Finding]:
    """Look for what the Hub, its viewer or `datasets` would not take, and for what nobody should publish.

    Texts of files that were in the last release, which was linted by the same code, are not read again.

    Parameters
    ----------
    counted
        How many rows files have, by who counted them otherwise than from their footers.
    """
    tables = [path for path in document.files if path.endswith(".parquet")]
    facts = {path: _facts(folder, path) for path in tables}
    configs = _read_configs(folder / CARD, facts)
    known = set() if last is None else {file.sha256 for file in last.files.values()}
    documents = [path for path in document.files if path.endswith(".json") and not path.startswith("_")]
    told = [*tables, *documents]
    new = [path for path in told if document.files[path].sha256 not in known]
    return [
        keeps_limits_of_hub({path: file.size_bytes for path, file in document.files.items()}, configs),
        configs_load(configs),
        footers_are_true(list(facts.values()), counted),
        names_nobody(_find_contacts(folder, new), n_files=len(told)),
    ]


def _read_configs(card: Path, facts: Mapping[str, FileFacts]) -> list[Config]:
    """Read the configs of a card, with the files that each of them means."""
    head = yaml.load(card.read_text(encoding="utf-8").split("---\n")[1], Loader=yaml.CSafeLoader)
    found: dict[str, list[FileFacts]] = {}
    for path, file in facts.items():
        for pattern in _patterns(PurePosixPath(path)):
            found.setdefault(pattern, []).append(file)
    return [_config(config, found) for config in head["configs"]]


def _patterns(path: PurePosixPath) -> set[str]:
    """Name the patterns that may mean a file in a card: its name, its folder, its side."""
    of_side = f"{path.parent}/*{''.join(path.suffixes[-2:])}"
    return {str(path), f"{path.parent}/*.parquet", of_side, f"*/{path.parent.name}/*.parquet"}


def _find_contacts(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """Find the first place of each file that says whom to contact."""
    found = {}
    for path in paths:
        find = _contact_in_document if path.endswith(".json") else _contact_in_table
        if (what := find(folder / path)) is not None:
            found[path] = what
    return found


def _config(said: Mapping[str, Any], found: Mapping[str, list[FileFacts]]) -> Config:
    files = {
        one["split"]: [file for path in _listed(one["path"]) for file in found.get(path, [])]
        for one in said["data_files"]
    }
    return Config(said["config_name"], files)


def _listed(paths: str | Sequence[str]) -> Sequence[str]:
    return [paths] if isinstance(paths, str) else paths


def _facts(folder: Path, path: str) -> FileFacts:
    footer = pq.read_metadata(folder / path)
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    return FileFacts(
        path=path,
        n_rows=footer.num_rows,
        columns={field.name: str(field.type) for field in footer.schema.to_arrow_schema()},
        group_bytes=max((group.total_byte_size for group in groups), default=0),
        # Where the pages are. An index of what is in them is not there for texts as long as sentences: Arrow
        # writes no smallest and largest one of such.
        has_page_index=all(chunk.has_offset_index for chunk in chunks),
        highest=_highest(chunks),
    )


def _highest(chunks: Iterable[Any]) -> dict[str, float]:
    highest: dict[str, float] = {}
    for chunk in chunks:
        said = chunk.statistics
        if said is not None and said.has_min_max and isinstance(said.max, int | float):
            name = chunk.path_in_schema
            highest[name] = max(float(said.max), highest.get(name, float("-inf")))
    return highest


def _contact_in_document(path: Path) -> str | None:
    what = find_contact(path.read_text(encoding="utf-8"))
    return None if what is None else f"it holds {what}"


def _contact_in_table(path: Path) -> str | None:
    schema = scan_files(path).collect_schema()
    texts = {pl.String(), pl.List(pl.String())}
    names = [name for name, kind in schema.items() if kind in texts and not name.startswith(CELL_SENTENCE)]
    for block in iter_table(path, columns=names):
        for name in _worth_a_look(block):
            if (what := _contact_in(block[name])) is not None:
                return f"{name} holds {what}"
    return None


def _worth_a_look(block: pl.DataFrame) -> list[str]:
    """Name the columns in which a contact may be, all of them looked through at once."""
    texts = {
        name: pl.col(name).explode() if kind == pl.List else pl.col(name)
        for name, kind in block.schema.items()
    }
    looked = block.select(
        (text.is_not_null() if is_of_contacts(name) else text.str.contains(WORTH_A_LOOK)).any().alias(name)
        for name, text in texts.items()
    )
    return [name for name in block.columns if looked[name][0]]


def _contact_in(column: pl.Series) -> str | None:
    values = column.explode() if column.dtype == pl.List else column
    texts = values.drop_nulls().unique()
    if is_of_contacts(column.name) and not texts.is_empty():
        return "whom to contact, by its name"
    suspicious = texts.filter(texts.str.contains(WORTH_A_LOOK)).sort()
    return next((what for text in suspicious if (what := find_contact(text)) is not None), None)
