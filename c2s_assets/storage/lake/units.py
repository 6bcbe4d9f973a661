"""Which files of a lake are published as one in a bucket: a dataset, a table of all, a release."""

from collections.abc import Iterator
from pathlib import Path

from c2s_assets.storage.lake.digest import files_of_tree
from c2s_assets.storage.lake.layout import Layout

# Made of all others on any machine, and anew where they are copied to.
CATALOGUE = "lake/catalogue"
_RELEASE = "release-"
# Whatever else was dropped is told of where it lies.
_OF_SOURCES = (".h5ad", ".json")


def unit_of(layout: Layout, path: Path) -> str | None:
    """Name what a file is published with; None if it stays on this machine."""
    folder, *rest = path.relative_to(layout.root).parts
    if not rest:
        return None
    match folder:
        case "datasets":
            return unit_of_dataset(rest[0])
        case "raw" | "inbox" if len(rest) == 1 and Path(rest[0]).suffix in _OF_SOURCES:
            return unit_of_dataset(Path(rest[0]).stem)
        case "releases":
            return unit_of_lake(f"{_RELEASE}{rest[0]}")
        case "catalogue":
            return _unit_of_table(layout, path)
        case _:
            return None


def unit_of_dataset(dataset_id: str) -> str:
    """Name the unit of a dataset: the file that waits, the source, the tables, the record."""
    return f"datasets/{dataset_id}"


def unit_of_lake(what: str) -> str:
    """Name the unit of what is made for the whole lake, by who is `alone` with it or stages it."""
    return f"lake/{what}"


def files_of_unit(layout: Layout, unit: str) -> Iterator[Path]:
    """Find the files of a unit that are in a folder, but for the record, which is written from it."""
    kind, _, what = unit.partition("/")
    match kind:
        case "datasets":
            waiting = [layout.inbox_h5ad(what), layout.inbox_note(what)]
            places = [*waiting, layout.raw_h5ad(what), layout.raw_provenance(what), layout.dataset(what)]
        case _ if what.startswith(_RELEASE):
            places = [layout.release(what.removeprefix(_RELEASE))]
        case _:
            places = list(_tables_of_lake(layout).get(what, ()))
    for place in places:
        for path in files_of_tree(place):
            if kind != "datasets" or path != layout.record(what):
                yield path


def place_of(name: str) -> str:
    """Return what a file takes its place with: a table of a dataset, a table of all, a release."""
    parts = name.split("/")
    return "/".join(parts[: 3 if parts[0] == "datasets" else 2])


def _unit_of_table(layout: Layout, path: Path) -> str | None:
    for what, places in _tables_of_lake(layout).items():
        if any(path == place or place in path.parents for place in places):
            return unit_of_lake(what)
    return None


def _tables_of_lake(layout: Layout) -> dict[str, tuple[Path, ...]]:
    return {
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
        "catalogue": (layout.catalogue, layout.catalogue_tables),
        "corpus_report": (layout.corpus_report,),
        "health_report": (layout.health_report,),
    }
