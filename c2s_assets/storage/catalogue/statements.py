"""The SQL we run: one statement per file below `sql/`, with named parameters; and names in it."""

from importlib.resources import files


def statement(name: str) -> str:
    """Read a statement by its path below `sql/`, without suffix: ``reports/corpus_totals``."""
    return (files("c2s_assets.storage.catalogue") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def quoted(name: str | None) -> str:
    """Write a name as SQL has it, whatever stands in it."""
    return '"{}"'.format(str(name).replace('"', '""'))
