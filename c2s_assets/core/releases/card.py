"""Cards of a corpus and of a dataset: what `datasets` and the Hub are told in YAML, and what people are."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from c2s_assets.core.emails import without_emails
from c2s_assets.core.releases import sections
from c2s_assets.core.releases.census import Census
from c2s_assets.core.releases.configs import corpus_configs
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.facts import DatasetFacts, ReleaseFacts
from c2s_assets.core.releases.licences import read_licence
from c2s_assets.core.releases.limits import find_limits
from c2s_assets.core.releases.loading import loading_a_corpus, loading_a_folder
from c2s_assets.core.releases.pictures import AGES, CELL_TYPES, TISSUES, WORDS, draw_pictures
from c2s_assets.core.reports.markdown import shown
from c2s_assets.core.reports.text import one_line

CARD = "README.md"
_TAGS = ("biology", "single-cell", "transcriptomics", "cell2sentence")
# Of the Hub, by the number of rows that they end before.
_SIZES = {
    10**3: "n<1K",
    10**4: "1K<n<10K",
    10**5: "10K<n<100K",
    10**6: "100K<n<1M",
    10**7: "1M<n<10M",
    10**8: "10M<n<100M",
    10**9: "100M<n<1B",
}


def write_card(name: str, entry: ReleaseEntry, facts: ReleaseFacts) -> dict[str, str]:
    """Write the card of a corpus and its pictures, by path; the same facts give the same texts."""
    title, census, pictures = entry.title or name, facts.census, draw_pictures(facts.census)
    configs = corpus_configs(
        facts.sides,
        {source.dataset_id: source.collection_id for source in facts.sources},
        beside={one.name: one.files for one in facts.tables},
    )
    parts = [
        sections.summary(census),
        sections.sentences(census, facts.sources),
        sections.pictures(pictures, WORDS),
        sections.counts(census),
        sections.pictures(pictures, AGES, TISSUES, CELL_TYPES),
        sections.split(census, facts.left_out, certificate=facts.certificate, inflation=facts.inflation),
        sections.loading(loading_a_corpus(entry.repo_id, facts.sides, facts.tables)),
        sections.fields(facts.fields, facts.tables),
        sections.provenance(facts.sources, licence=entry.licence),
        sections.limits(find_limits(census, facts.sources, licence=entry.licence)),
    ]
    return _card(title, entry.licence, census, configs, parts) | _files(pictures)


def write_dataset_card(facts: DatasetFacts) -> dict[str, str]:
    """Write the card of one dataset as it lies in a lake, and its pictures, by path."""
    source, census, pictures = facts.source, facts.census, draw_pictures(facts.census)
    files = [{"split": side, "path": f"{side}/*.parquet"} for side in facts.sides]
    parts = [
        sections.summary(census),
        sections.sentences(census, [source]),
        sections.pictures(pictures, WORDS),
        sections.counts(census),
        sections.pictures(pictures, AGES, TISSUES, CELL_TYPES),
        sections.split(census, facts.left_out),
        sections.loading(loading_a_folder(source.dataset_id, facts.sides)),
        sections.fields(facts.fields, []),
        sections.provenance([source], licence=source.licence),
        sections.limits(find_limits(census, [source], licence=source.licence)),
    ]
    configs = [{"config_name": "default", "data_files": files}]
    title = source.title or source.dataset_id
    return _card(title, source.licence, census, configs, parts) | _files(pictures)


def _card(
    title: str, licence: str | None, census: Census, configs: list[dict[str, Any]], parts: Sequence[str]
) -> dict[str, str]:
    head = yaml.safe_dump(
        {
            **({} if licence is None else read_licence(licence).on_the_hub),
            "pretty_name": one_line(without_emails(title)),
            "size_categories": [_size(census.n_cells)],
            "tags": list(_TAGS),
            "configs": configs,
        },
        sort_keys=False,
        allow_unicode=True,
        width=2**31,
    )
    return {CARD: f"---\n{head}---\n\n{sections.joined(f'# {shown(title)}', *parts)}\n"}


def _files(pictures: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    return {path: drawn for path, (_, drawn) in pictures.items()}


def _size(n_rows: int) -> str:
    return next((name for end, name in _SIZES.items() if n_rows < end), "1B<n<10B")
