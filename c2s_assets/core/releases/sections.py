"""The sections of a card: each says in Markdown what was read of the files that it is about."""

import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from c2s_assets.core.columns import DATASET_ID, ORGANISM, SPLIT_LEVEL
from c2s_assets.core.leaks.scores import CHANCE, N_DONORS, N_TEST, REASON, SCORE, SPLIT_BY, TASK, UNIT
from c2s_assets.core.releases.census import (
    LABELS,
    UNKNOWN,
    Census,
    N,
    count_ties,
    donors_on_sides,
    label_rows,
    side_rows,
    split_by_cell,
)
from c2s_assets.core.releases.facts import Field, PublishedTable
from c2s_assets.core.releases.licences import describe_licence, read_licence
from c2s_assets.core.releases.pictures import picture_path
from c2s_assets.core.releases.sources import Source, bibtex, cites_another_title
from c2s_assets.core.reports.counts import counted
from c2s_assets.core.reports.markdown import Markdown, code, shown, table
from c2s_assets.core.reports.text import as_code
from c2s_assets.core.splits.certificate import CERTIFICATE, Certificate

# A card of 2,200 datasets would be mostly a table; what is not listed is in the table `sources`.
_MOST_LISTED = 100
_MOST_VALUES = 15
_IN_ADDRESSES = frozenset(string.ascii_letters + string.digits + "-._/:;")


def summary(census: Census) -> str:
    """Say in two sentences what there is."""
    n_datasets = census.cells[DATASET_ID].n_unique()
    organisms = " and ".join(map(shown, census.values(ORGANISM)[:3])) or "an organism that nobody states"
    sides = "All cells of a donor are on one side."
    if split_by_cell(census):
        sides = "Where a dataset names donors, all cells of one are on one side."
    return (
        f"{census.n_cells:,} cells of {counted(census.n_donors, 'donor')} and "
        f"{counted(n_datasets, 'dataset')} ({organisms}) as text: one row per cell, with its cell sentence, "
        f"its age in years and its metadata, for training, validation and test. {sides}"
    )


def sentences(census: Census, sources: Sequence[Source]) -> str:
    """Say what a cell sentence is, by which spec these were written, and how much of them is chance."""
    ties = count_ties(census)
    rows = [(*spec, n) for spec, n in Counter(map(_spec, sources)).items()]
    return joined(
        "## What a cell sentence is",
        "The symbols of the genes that a cell expresses, highest first, separated by one space (Levine et "
        "al. 2024, doi:10.1101/2023.09.11.557287). A gene whose value is 0 is never named, and a symbol "
        "once. `n_expressed` says how many symbols a cell expresses, and `sentence_length` how many its "
        "sentence names: at most `top_n` of them or, where that is auto, those above the lowest ties.",
        table(("matrix", "its values", "top_n", "ties by", "seed", "gene lists", "datasets"), rows),
        f"Genes with equal values are ties, and their order says nothing of expression. Of "
        f"{ties.n_words:,} words {ties.n_tied:,} ({ties.pct_tied:.1f} %) are in the lowest tie block of "
        f"their sentence. The median sentence has {ties.median_length:,.10g} words, of which the first "
        f"{ties.median_above:,.10g} are above these ties; `n_above_ties` says it of each cell. Behind them "
        f"a sentence tells which genes a cell expresses, and no longer which of them more.",
    )


def fields(columns: Sequence[Field], tables: Sequence[PublishedTable]) -> str:
    """List the columns of the cells, and what is beside them."""
    parts = ["## Fields", _field_table(columns)] if columns else []
    if tables:
        rows = [(Markdown(f"`{one.name}`"), one.n_rows, one.says) for one in tables]
        parts += [
            "Beside the cells there are, each as a config:",
            table(("config", "rows", "what it is"), rows),
        ]
    return joined(*parts)


def counts(census: Census) -> str:
    """Count cells by side, and by each label."""
    names = ("side", "cells", "donors", "datasets", "ages in years", "without age", "tissues", "cell types")
    of_sides = side_rows(census)
    parts = ["## What it holds", table(names, of_sides)]
    for column, name in LABELS.items():
        rows, n_more = label_rows(census, column, most=_MOST_VALUES)
        if rows and [row[0] for row in rows] != [UNKNOWN]:
            parts.append(table((name, *(str(row[0]) for row in of_sides), "all"), rows))
        if n_more:
            parts.append(f"and {n_more:,} more of {name}.")
    return joined(*parts)


def split(
    census: Census,
    left_out: Mapping[str, int],
    *,
    certificate: Certificate | None = None,
    inflation: pl.DataFrame | None = None,
) -> str:
    """Say how the sides were made, what was left out of them, what proves them, and what that is worth."""
    levels = census.cells.group_by(SPLIT_LEVEL).agg(pl.col(DATASET_ID).n_unique(), pl.col(N).sum())
    parts = [
        "## How it was split",
        "Sides are drawn for all datasets at once: whoever is in several of them, under whatever ids, is one "
        "person and on one side. Donors are drawn whole, stratified by age, and a side that was published "
        "once is kept. Donors that cannot be told apart are in train.",
        table(("on one side as a whole", "datasets", "cells"), levels.sort(SPLIT_LEVEL).iter_rows()),
    ]
    n_donors, n_mixed, n_by_chance = donors_on_sides(census)
    if n_donors:
        parts.append(
            f"Of {counted(n_donors, 'donor')} that can be told apart {n_mixed:,} are on more than one side. "
            f"Had as many cells been drawn for each side at random, {n_by_chance:,.1f} would be in the "
            f"mean: a model would be tested on donors that it knows."
        )
    if any(left_out.values()):
        rows = [(reason, n) for reason, n in left_out.items() if n]
        parts += ["Cells of these datasets that are on no side:", table(("why", "cells"), rows)]
    if certificate is not None:
        parts.append(_audit(certificate))
    if inflation is not None and inflation.height:
        parts += [
            "What a random split would have pretended: the same models, scored with random rows, whole "
            "donors and whole datasets held out, on a sample of the lake that these files are from.",
            _inflation_table(inflation),
        ]
    return joined(*parts)


def provenance(sources: Sequence[Source], *, licence: str | None) -> str:
    """Name the sources, their licences and how they are cited."""
    listed = sources[:_MOST_LISTED]
    rows = [
        (
            one.dataset_id,
            one.title,
            describe_licence(one.licence, is_assumed=one.licence_is_assumed),
            _doi(one),
            one.dataset_version_id,
        )
        for one in listed
    ]
    names = ("dataset", "title", "licence", "DOI", "version")
    parts = ["## Sources and licences", _whole_licence(sources, licence), table(names, rows)]
    if n_more := len(sources) - len(listed):
        parts.append(f"and {n_more:,} more, which are in the config `sources`.")
    parts += [
        f"The citation of {one.dataset_id} does not name the publication that the catalogue has under "
        f"{shown(one.doi or '')}: {shown(one.record.title or '')}."
        for one in listed
        if cites_another_title(one)
    ]
    entries = "\n\n".join(map(bibtex, listed))
    parts += ["Who uses a dataset cites its publication:", code(entries, language="bibtex")]
    return joined(*parts)


def limits(found: Sequence[str]) -> str:
    """List what the files do not hold, and must not be taken for."""
    return joined("## Limits", "\n".join(f"- {says}" for says in found))


def loading(snippets: Iterable[tuple[str, str]]) -> str:
    """Show how it is loaded: for each library a heading and its code, which go on from each other."""
    parts = [part for words, lines in snippets for part in (words, code(lines, language="python"))]
    return joined("## How to load it", *parts) if parts else ""


def withdrawn(versions: Mapping[str, str]) -> str:
    """Say which versions nobody should use any more, and why."""
    if not versions:
        return ""
    return joined(
        "## Versions that were withdrawn",
        "They have no tag any more. Whoever trained on one of them should look at why.",
        table(("version", "why"), versions.items()),
    )


def pictures(drawn: Mapping[str, tuple[str, str]], *names: str) -> str:
    """Show some pictures, those that there are, each below its caption."""
    shown_ones = [(path, drawn[path][0]) for path in map(picture_path, names) if path in drawn]
    return joined(*(f"**{caption}**\n\n![{caption}]({path})" for path, caption in shown_ones))


def joined(*parts: str) -> str:
    """Put parts that are not empty below each other."""
    return "\n\n".join(part for part in parts if part)


def _spec(source: Source) -> tuple[object, ...]:
    says = source.sentences or {}
    known = (says.get(name) for name in ("top_n", "tie", "seed", "gene_lists"))
    return source.layer, source.values, *known


def _field_table(columns: Sequence[Field]) -> str:
    rows = [(Markdown(as_code(one.name)), one.type, one.unit, one.null, one.says) for one in columns]
    return table(("column", "type", "unit", "null", "meaning"), rows)


def _audit(certificate: Certificate) -> str:
    seen = "Nobody has looked for copies of their cells under other names on another side."
    if certificate.n_leaks is not None:
        seen = (
            f"The audit of these files, which finds copies of cells under other names as well, found "
            f"{certificate.n_leaks:,} leaks."
        )
    sides = "; ".join(f"{side}: {said}" for side, said in certificate.sides.items())
    return (
        f"The sides are those of split plan {certificate.plan_version}. `{CERTIFICATE}` certifies "
        f"{len(certificate.files):,} files by their SHA-256, with {sides}. Whoever has them checks them with "
        f"`c2s verify-split FOLDER`. {seen}"
    )


def _inflation_table(inflation: pl.DataFrame) -> str:
    columns = (TASK, UNIT, SPLIT_BY, SCORE, CHANCE, N_TEST, N_DONORS, REASON)
    names = ("task", "rows are", "held out", "score", "chance", "rows", "donors", "why there is no score")
    return table(names, inflation.select(columns).iter_rows())


def _doi(source: Source) -> Markdown | None:
    if source.doi is None:
        return None
    address = "".join(letter if letter in _IN_ADDRESSES else f"%{ord(letter):02X}" for letter in source.doi)
    return Markdown(f"[{shown(source.doi)}](https://doi.org/{address})")


def _whole_licence(sources: Sequence[Source], stated: str | None) -> str:
    if stated is None:
        return "Nobody has stated yet under which licence the whole is."
    licence = read_licence(stated)
    name = shown(stated) if licence.address is None else f"[{shown(stated)}]({licence.address})"
    several = len({read_licence(one.licence).key for one in sources if one.licence is not None}) > 1
    more = " Sources are under several licences: keep to that of each whose cells you use."
    return f"The whole is under {name}.{more if several else ''}"
