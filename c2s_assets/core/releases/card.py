"""The card of a corpus: what the Hub and `datasets` are told in YAML, and what people are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from c2s_assets.core.emails import without_emails
from c2s_assets.core.releases.configs import corpus_configs
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.licences import read_licence
from c2s_assets.core.reports.text import as_markdown, one_line
from c2s_assets.core.splits.certificate import CERTIFICATE, Certificate

CARD = "README.md"
# A card of 2,200 datasets would be mostly a table; the rows of each name its publication.
_MOST_LISTED = 100


@dataclass(frozen=True)
class Source:
    """What is known of where a dataset is from."""

    title: str | None
    licence: str | None
    doi: str | None
    collection_id: str | None = None


@dataclass(frozen=True)
class CorpusFigures:
    """What the card tells; `sides` names those that each dataset has rows on."""

    sides: Mapping[str, tuple[str, ...]]
    certificate: Certificate
    sources: Mapping[str, Source]


def render_card(name: str, entry: ReleaseEntry, figures: CorpusFigures) -> str:
    """Write the README.md of a corpus; the same figures give the same text."""
    head = yaml.safe_dump(
        {**_licence(entry.licence), "pretty_name": entry.title or name, "configs": _configs(figures)},
        sort_keys=False,
        allow_unicode=True,
        width=2**31,
    )
    return f"---\n{head}---\n\n{_text(name, entry, figures)}"


def _licence(stated: str | None) -> dict[str, str]:
    return {} if stated is None else read_licence(stated).on_the_hub


def _configs(figures: CorpusFigures) -> list[dict[str, Any]]:
    collections = {dataset_id: source.collection_id for dataset_id, source in figures.sources.items()}
    return corpus_configs(figures.sides, collections)


def _text(name: str, entry: ReleaseEntry, figures: CorpusFigures) -> str:
    certificate = figures.certificate
    counts = "\n".join(
        f"| {side} | {said.n_cells:,} | {said.n_donors:,} | {said.n_datasets:,} |"
        for side, said in certificate.sides.items()
    )
    one = next(iter(figures.sides))
    return f"""# {entry.title or name}

Cells of {len(figures.sides):,} single-cell datasets as text: one row per cell, with its cell sentence (gene
symbols, highest expression first), its age and its metadata. All files have the same columns; what only one
source has is in `source_columns`, as JSON.

| side | cells | donors | datasets |
| --- | --- | --- | --- |
{counts}

Whole donors are on one side, those of split plan {certificate.plan_version}: no person of train is in
validation or test. `{CERTIFICATE}` says of every file what it is; whoever has these files can check them with
`c2s verify-split FOLDER`.

```python
from datasets import load_dataset

everything = load_dataset("{entry.repo_id}")
one = load_dataset("{entry.repo_id}", "{one}")
```

## Sources

Who uses a dataset cites its publication, and keeps to its licence.

| dataset | title | licence | publication |
| --- | --- | --- | --- |
{_sources(figures.sources)}
"""


def _sources(sources: Mapping[str, Source]) -> str:
    lines = [
        f"| {dataset_id} | {_shown(source.title)} | {_shown(source.licence)} | {_shown(source.doi)} |"
        for dataset_id, source in list(sources.items())[:_MOST_LISTED]
    ]
    more = len(sources) - len(lines)
    if more:
        lines.append(f"| and {more:,} more | in the column publication_title | | in publication_doi |")
    return "\n".join(lines)


def _shown(text: str | None) -> str:
    return "not stated" if text is None else as_markdown(one_line(without_emails(text), longest=200))
