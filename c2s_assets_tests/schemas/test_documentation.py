from pathlib import Path

from c2s_assets.schemas.catalogue import CATALOGUE
from c2s_assets.schemas.documentation import tables_page
from c2s_assets.schemas.registry import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def test_the_page_on_all_tables_is_what_the_declarations_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == tables_page(), "renew docs/tables.md: make docs"


def test_every_table_and_column_has_its_place() -> None:
    page = tables_page()
    for declared in TABLES.values():
        if declared.model_name is not None:
            assert f"\n## {declared.name}\n" in page
    for name, table in CATALOGUE.items():
        assert name == "training" or f"\n## {name}\n" in page
        assert all(f"| `{column.name}` |" in page for column in table.columns)


def test_parts_of_documents_stand_behind_them_by_their_path() -> None:
    lines = tables_page().splitlines()
    assert "| `assets[].checks[].holds` | true or false or null |" in "\n".join(lines)
    assert "| `built.*.made_from.source_sha256` | text | SHA-256 of the source file. |" in lines
    assert not [line for line in lines if "<" in line and line.startswith("|")], "no tag in a table"
