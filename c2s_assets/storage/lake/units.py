"""Which files of a lake are published as one in a bucket: a dataset, a file that waits, a table of all."""

from pathlib import Path

from c2s_assets.storage.lake.layout import Layout


def unit_of(layout: Layout, path: Path) -> str | None:
    """Name what a file is published with; None if it stays on this machine, as the catalogue does."""
    folder, *rest = path.relative_to(layout.root).parts
    if not rest:
        return None
    match folder:
        case "datasets":
            return unit_of_dataset(rest[0])
        case "raw" | "inbox" if len(rest) == 1:
            name = Path(rest[0]).stem
            return unit_of_dataset(name) if folder == "raw" else f"inbox/{name}"
        case "releases":
            return unit_of_lake(f"release-{rest[0]}")
        case "catalogue":
            return _unit_of_table(layout, path)
        case _:
            return None


def unit_of_dataset(dataset_id: str) -> str:
    """Name the unit of a dataset: its source, its tables, its record."""
    return f"datasets/{dataset_id}"


def unit_of_lake(what: str) -> str:
    """Name the unit of what is made for the whole lake, by who is `alone` with it or stages it."""
    return f"lake/{what}"


def _unit_of_table(layout: Layout, path: Path) -> str | None:
    units = {
        "split_plan": (layout.split_plan, layout.split_marks, layout.split_copies),
        "donor_aliases": (layout.donor_aliases, layout.all_copies, layout.all_cell_pairs),
        "leak_audit": (
            layout.leaks,
            layout.audited_datasets,
            layout.audited_donors,
            layout.all_audited_cells,
        ),
        "leak_inflation": (layout.leak_inflation,),
        "cellxgene_listing": (layout.listing, layout.collections, layout.listing_history),
        "gene_symbols": (layout.gene_symbols,),
        "corpus_report": (layout.corpus_report,),
        "health_report": (layout.health_report,),
    }
    for what, places in units.items():
        if any(path == place or place in path.parents for place in places):
            return unit_of_lake(what)
    return None
