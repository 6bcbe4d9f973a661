"""The card of a corpus: what the Hub and `datasets` are told in YAML, and what people are."""

import yaml

from c2s_assets.core.releases import sections
from c2s_assets.core.releases.configs import corpus_configs
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.facts import ReleaseFacts
from c2s_assets.core.releases.licences import read_licence
from c2s_assets.core.releases.limits import find_limits
from c2s_assets.core.releases.loading import loading_a_corpus
from c2s_assets.core.releases.pictures import draw_pictures
from c2s_assets.core.reports.markdown import shown

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
    pictures = draw_pictures(facts.census)
    head = yaml.safe_dump(
        {
            **({} if entry.licence is None else read_licence(entry.licence).on_the_hub),
            "pretty_name": entry.title or name,
            "size_categories": [_size(facts.census.n_cells)],
            "tags": list(_TAGS),
            "configs": corpus_configs(
                facts.sides,
                {source.dataset_id: source.collection_id for source in facts.sources},
                beside={one.name: one.files for one in facts.tables},
            ),
        },
        sort_keys=False,
        allow_unicode=True,
        width=2**31,
    )
    text = sections.joined(
        f"# {shown(entry.title or name)}",
        sections.summary(facts.census),
        sections.pictures(pictures),
        sections.sentences(facts.census, facts.sources),
        sections.counts(facts.census),
        sections.split(
            facts.census, facts.left_out, certificate=facts.certificate, inflation=facts.inflation
        ),
        sections.loading(loading_a_corpus(entry.repo_id, facts.sides, facts.tables)),
        sections.fields(facts.fields, facts.tables),
        sections.provenance(facts.sources, licence=entry.licence),
        sections.limits(find_limits(facts.census, facts.sources, licence=entry.licence)),
    )
    return {CARD: f"---\n{head}---\n\n{text}\n"} | {path: drawn for path, (_, drawn) in pictures.items()}


def _size(n_rows: int) -> str:
    return next((name for end, name in _SIZES.items() if n_rows < end), "1B<n<10B")
