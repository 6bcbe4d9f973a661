"""Lints a staged release: reads what its files say of themselves, and the texts in them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import yaml

from c2s_assets.core.columns import CELL_SENTENCE
from c2s_assets.core.emails import without_emails
from c2s_assets.core.findings import Finding
from c2s_assets.core.releases.card import CARD
from c2s_assets.core.releases.lint import (
    Config,
    FileFacts,
    configs_load,
    footers_are_true,
    keeps_limits_of_hub,
    names_nobody,
)
from c2s_assets.core.splits.certificate import CERTIFICATE, parse_certificate
from c2s_assets.schemas.releases import ReleaseDocument
from c2s_assets.storage.tables.parquet import iter_table

# Whatever an e-mail address is written like holds one of these.
_LIKE_EMAIL = r"(?i)@|[\[(]\s?at\s?[\])]"


def lint_release(folder: Path, document: ReleaseDocument, *, last: ReleaseDocument | None) -> list[Finding]:
    """Look for what the Hub, its viewer or `datasets` would not take, and for what nobody should publish.

    Texts of files that were in the last release are not read again.
    """
    sides = [path for path in document.files if path.endswith(".parquet") and not path.startswith("_")]
    facts = {path: _facts(folder, path) for path in sides}
    configs = _read_configs(folder / CARD, facts)
    certificate = parse_certificate((folder / CERTIFICATE).read_bytes(), name=CERTIFICATE)
    counted = {path: mark.n_rows for path, mark in certificate.files.items() if path in facts}
    known = set() if last is None else {file.sha256 for file in last.files.values()}
    new = [path for path in sides if document.files[path].sha256 not in known]
    return [
        keeps_limits_of_hub({path: file.size_bytes for path, file in document.files.items()}, configs),
        configs_load(configs),
        footers_are_true(list(facts.values()), counted),
        names_nobody(_find_emails(folder, new), n_files=len(sides)),
    ]


def _read_configs(card: Path, facts: Mapping[str, FileFacts]) -> list[Config]:
    """Read the configs of a card, with the files that each of them means."""
    head = yaml.load(card.read_text(encoding="utf-8").split("---\n")[1], Loader=yaml.CSafeLoader)
    folders: dict[str, list[FileFacts]] = {}
    for path, file in facts.items():
        dataset_id, _, rest = path.partition("/")
        for place in (f"{dataset_id}/{Path(rest).parent}", f"*/{Path(rest).parent}"):
            folders.setdefault(f"{place}/*.parquet", []).append(file)
    return [_config(config, folders) for config in head["configs"]]


def _find_emails(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """Find the first e-mail address of each file that holds one: its column, and the text around it."""
    found = {}
    for path in paths:
        if (where := _first_email(folder / path)) is not None:
            found[path] = where
    return found


def _config(said: Mapping[str, Any], folders: Mapping[str, list[FileFacts]]) -> Config:
    files = {one["split"]: folders.get(one["path"], []) for one in said["data_files"]}
    return Config(said["config_name"], files)


def _facts(folder: Path, path: str) -> FileFacts:
    footer = pq.read_metadata(folder / path)
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    return FileFacts(
        path=path,
        n_rows=footer.num_rows,
        columns={field.name: str(field.type) for field in footer.schema.to_arrow_schema()},
        group_bytes=max((group.total_byte_size for group in groups), default=0),
        has_page_index=all(chunk.has_offset_index and chunk.has_column_index for chunk in chunks),
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


def _first_email(path: Path) -> str | None:
    for block in iter_table(path):
        for name, kind in block.schema.items():
            if kind != pl.String or name.startswith(CELL_SENTENCE):
                continue
            texts = block[name].drop_nulls().unique()
            for text in texts.filter(texts.str.contains(_LIKE_EMAIL)):
                if (said := without_emails(text)) != text:
                    return f"{name} {said[:80]!r}"
    return None
