"""croissant.json names each table with its files and columns, lists among them; see test_croissant_peer."""

import json
from typing import Any

from c2s_assets.core.releases.croissant import write_croissant
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.facts import Field, PublishedTable
from c2s_assets_tests.core.releases.test_card import FACTS, replace

FIELDS = [Field("symbol", "string", None, None, "Gene."), Field("ids", "list of string", None, None, "Ids.")]
TABLE = PublishedTable("vocabulary", "One row per symbol.", 60, {"table": "vocabulary.parquet"}, FIELDS)


def croissant(entry: ReleaseEntry) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(write_croissant("corpus", entry, replace(FACTS, tables=[TABLE])))
    return found


def test_each_record_set_is_a_config_with_its_files() -> None:
    said = croissant(ReleaseEntry(repo_id="me/corpus", licence="CC BY 4.0"))
    assert (said["name"], said["license"]) == ("me_corpus", "https://creativecommons.org/licenses/by/4.0/")
    assert [one["@id"] for one in said["recordSet"]] == ["all", "vocabulary"]
    files = {one["@id"]: one["includes"] for one in said["distribution"] if one["@type"] == "cr:FileSet"}
    assert files == {
        "files-of-all": ["*/train/*.parquet", "*/test/*.parquet"],
        "files-of-vocabulary": ["vocabulary.parquet"],
    }
    assert "license" not in croissant(ReleaseEntry(repo_id="me/corpus"))


def test_columns_have_types_units_and_are_lists_where_they_are() -> None:
    cells, words = croissant(ReleaseEntry(repo_id="me/corpus"))["recordSet"]
    (age,) = cells["field"]
    assert (age["@id"], age["dataType"], age["description"]) == ("all/age", "cr:Float32", "Age. In years.")
    assert age["source"] == {"fileSet": {"@id": "files-of-all"}, "extract": {"column": "age"}}
    symbol, ids = words["field"]
    assert "isArray" not in symbol
    assert (ids["dataType"], ids["isArray"], ids["arrayShape"]) == ("sc:Text", True, "-1")
