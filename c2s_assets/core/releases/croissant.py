"""`croissant.json`: the tables of a release for machines, with lists, which the Hub's own leaves out.

References
----------
Croissant 1.1, https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from c2s_assets.core.releases.configs import ALL
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.releases.facts import Field, ReleaseFacts
from c2s_assets.core.releases.licences import read_licence
from c2s_assets.core.releases.sources import bibtex
from c2s_assets.core.splits.sides import SIDES

CROISSANT = "croissant.json"
_CONTEXT: Mapping[str, object] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in (
            "arrayShape",
            "citeAs",
            "column",
            "containedIn",
            "equivalentProperty",
            "extract",
            "field",
            "fileObject",
            "fileProperty",
            "fileSet",
            "format",
            "includes",
            "isArray",
            "isLiveDataset",
            "jsonPath",
            "key",
            "md5",
            "parentField",
            "path",
            "recordSet",
            "references",
            "regex",
            "repeated",
            "replace",
            "samplingRate",
            "separator",
            "source",
            "subField",
            "transform",
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}
_TYPES = {
    "string": "sc:Text",
    "bool": "sc:Boolean",
    "int32": "cr:Int32",
    "int64": "cr:Int64",
    "float32": "cr:Float32",
    "date32[day]": "sc:Date",
}
LIST_OF = "list of "
_REPOSITORY = "repo"
# Of a repository nobody can know one; what stands in its place is what the Hub writes there.
_NO_SHA256 = "https://github.com/mlcommons/croissant/issues/80"
# As in the card; a citation of thousands is none.
_MOST_CITED = 100


def write_croissant(name: str, entry: ReleaseEntry, facts: ReleaseFacts) -> str:
    """Describe the tables of a corpus as JSON-LD; the same facts give the same text.

    The id of a record set is the name of its config, and that of a field ``<config>/<column>``.
    """
    used = [side for side in SIDES if any(side in of_dataset for of_dataset in facts.sides.values())]
    cells = [f"*/{side}/*.parquet" for side in used]
    licence = {} if entry.licence is None else {"license": _licence(entry.licence)}
    tables = {ALL: (f"One row per cell: {facts.census.n_cells:,}.", cells, facts.fields)}
    tables |= {one.name: (one.says, list(one.files.values()), one.fields) for one in facts.tables}
    return (
        json.dumps(
            {
                "@context": _CONTEXT,
                "@type": "sc:Dataset",
                "conformsTo": "http://mlcommons.org/croissant/1.1",
                "name": entry.repo_id.replace("/", "_"),
                "alternateName": [entry.title or name],
                "description": f"{facts.census.n_cells:,} cells of {facts.census.n_donors:,} donors and "
                f"{len(facts.sources):,} datasets as cell sentences with metadata, split by donor.",
                "url": _address(entry.repo_id),
                **licence,
                "citeAs": "\n\n".join(bibtex(source) for source in facts.sources[:_MOST_CITED]),
                "distribution": [
                    _repository(entry.repo_id),
                    *(_files(key, of[1]) for key, of in tables.items()),
                ],
                "recordSet": [_records(key, says, fields) for key, (says, _, fields) in tables.items()],
            },
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


def _licence(stated: str) -> str:
    return read_licence(stated).address or stated


def _address(repo_id: str) -> str:
    return f"https://huggingface.co/datasets/{repo_id}"


def _repository(repo_id: str) -> dict[str, object]:
    return {
        "@type": "cr:FileObject",
        "@id": _REPOSITORY,
        "name": _REPOSITORY,
        "description": "The repository on the Hugging Face Hub.",
        "contentUrl": _address(repo_id),
        "encodingFormat": "git+https",
        "sha256": _NO_SHA256,
    }


def _files(table: str, patterns: Sequence[str]) -> dict[str, object]:
    return {
        "@type": "cr:FileSet",
        "@id": _files_of(table),
        "name": _files_of(table),
        "description": f"The files of {table}.",
        "containedIn": {"@id": _REPOSITORY},
        "encodingFormat": "application/x-parquet",
        "includes": list(patterns),
    }


def _files_of(table: str) -> str:
    return f"files-of-{table}"


def _records(table: str, says: str, fields: Sequence[Field]) -> dict[str, object]:
    return {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": table,
        "description": says,
        "field": [_field(table, one) for one in fields],
    }


def _field(table: str, one: Field) -> dict[str, Any]:
    item = one.type.removeprefix(LIST_OF)
    is_list = {"isArray": True, "arrayShape": "-1"} if item != one.type else {}
    unit = "" if one.unit is None else f" In {one.unit}."
    return {
        "@type": "cr:Field",
        "@id": f"{table}/{one.name}",
        "name": one.name,
        "description": f"{one.says}{unit}",
        "dataType": _TYPES[item],
        **is_list,
        "source": {"fileSet": {"@id": _files_of(table)}, "extract": {"column": one.name}},
    }
