"""The SQL we run: one statement per file below `sql/`, with named parameters."""

from importlib.resources import files


def statement(name: str) -> str:
    """Read a statement by its path below `sql/`, without suffix: ``reports/corpus_totals``."""
    return (files("c2s_assets.storage.catalogue") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
