"""Cards of a corpus and of a dataset: what `datasets` and the Hub are told in YAML, and what people are."""

from collections.abc import Sequence
from typing import Any

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
from c2s_assets.core.releases.sources import Source
from c2s_assets.core.reports.markdown import front_matter, shown
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
    configs = corpus_configs(
        facts.sides,
        {source.dataset_id: source.collection_id for source in facts.sources},
        beside={one.name: one.files for one in facts.tables},
    )
    return _card(
        entry.title or name,
        facts.census,
        facts.sources,
        licence=entry.licence,
        configs=configs,
        split=sections.split(
            facts.census, facts.left_out, certificate=facts.certificate, inflation=facts.inflation
        ),
        loading=loading_a_corpus(entry.repo_id, facts.sides, facts.tables),
        fields=sections.fields(facts.fields, facts.tables),
        withdrawn=sections.withdrawn(entry.yanked),
    )


def write_dataset_card(facts: DatasetFacts) -> dict[str, str]:
    """Write the card of one dataset as it lies in a lake, and its pictures, by path."""
    source = facts.source
    files = [{"split": side, "path": f"{side}/*.parquet"} for side in facts.sides]
    return _card(
        source.title or source.dataset_id,
        facts.census,
        [source],
        licence=source.licence,
        configs=[{"config_name": "default", "data_files": files}],
        split=sections.split(facts.census, facts.left_out),
        loading=loading_a_folder(source.dataset_id, facts.sides),
        fields=sections.fields(facts.fields, []),
    )


def _card(
    title: str,
    census: Census,
    sources: Sequence[Source],
    *,
    licence: str | None,
    configs: list[dict[str, Any]],
    split: str,
    loading: Sequence[tuple[str, str]],
    fields: str,
    withdrawn: str = "",
) -> dict[str, str]:
    """Write the text and the pictures of a card, by path."""
    head = {
        **({} if licence is None else read_licence(licence).on_the_hub),
        "pretty_name": one_line(without_emails(title)),
        "size_categories": [_size(census.n_cells)],
        "tags": list(_TAGS),
        "configs": configs,
    }
    pictures = draw_pictures(census)
    text = sections.joined(
        f"# {shown(title)}",
        sections.summary(census),
        sections.sentences(census, sources),
        sections.pictures(pictures, WORDS),
        sections.counts(census),
        sections.pictures(pictures, AGES, TISSUES, CELL_TYPES),
        split,
        sections.loading(loading),
        withdrawn,
        fields,
        sections.provenance(sources, licence=licence),
        sections.limits(find_limits(census, sources, licence=licence)),
    )
    return {CARD: f"{front_matter(head)}{text}\n"} | {path: drawn for path, (_, drawn) in pictures.items()}


def _size(n_rows: int) -> str:
    return next((name for end, name in _SIZES.items() if n_rows < end), "1B<n<10B")
