"""`c2s symbols`: the gene symbols of HGNC that all datasets share."""

from pathlib import Path

from c2s_assets.cli.loading import load_definitions
from c2s_assets.cli.printing import remark, say
from c2s_assets.core.errors import C2SError
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place

_COMPLETE_SET = "hgnc_complete_set.txt"


def take_symbols(layout: Layout, file: Path | None) -> None:
    """Take the symbols from HGNC, or from a copy of its complete set on this machine.

    Raises
    ------
    C2SError
        If they cannot be had, or are not taken; what the lake had before stays.
    """
    defs = load_definitions()
    from c2s_assets.defs.service import open_instance, take_gene_symbols

    if file is not None and not file.is_file():
        raise C2SError(f"{file} is not a file. Give the path of a copy of {_COMPLETE_SET}.")
    with open_instance(layout) as instance:
        report = take_gene_symbols(instance, defs, file=None if file is None else file.absolute())
    if not report.succeeded:
        raise C2SError(report.problems)
    for check in report.broken:
        remark(f"c2s: {check.message}")


def show_symbols(layout: Layout) -> None:
    """Say which symbols the lake has, and how it gets them if it has none."""
    from c2s_assets.storage.tables.inputs import held_gene_symbols

    genes, says = held_gene_symbols(layout)
    if genes is None:
        say(
            f"{shown_place(layout, layout.root)} has no gene symbols of HGNC: files of nothing but Ensembl "
            f"ids get no sentences. Fetch them with: c2s symbols --refresh   (or, from a copy of "
            f"{_COMPLETE_SET}, with --file)"
        )
        return
    origin = says.get("url", "an address that nobody noted")
    day = f", of {says['last_modified']}" if says.get("last_modified") else ""
    say(
        f"{genes.height:,} approved human genes, version {says.get('version', 'unknown')}, from {origin}{day}"
    )
    say("Datasets look them up when feature_metadata is built next: c2s build ID --only feature_metadata")
