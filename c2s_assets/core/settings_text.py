"""Small changes to the text of `datasets.yaml` that keep its comments and its order."""

import re

from c2s_assets.core.errors import ConfigError
from c2s_assets.core.settings import DatasetsFile, parse_datasets_file

_SECTION = re.compile(r"^cellxgene:[ \t]*(?:#.*)?\n(?P<body>(?:[ \t]+.*\n|[ \t]*(?:#.*)?\n)*)", re.MULTILINE)
_KEY = re.compile(
    r"^(?P<indent>[ ]+)exclude:[ \t]*(?:\[(?P<values>[^\[\]\n]*)\])?[ \t]*(?:#.*)?\n", re.MULTILINE
)
_INDENT = re.compile(r"^([ ]+)\S", re.MULTILINE)


def exclude_dataset(text: str, dataset_id: str) -> str:
    """Add a dataset to `cellxgene: exclude`, so that it is not fetched again.

    Raises
    ------
    ConfigError
        If the file is written in a way that we would have to guess at; it says what to write by hand.
    """
    before = parse_datasets_file(text)
    if dataset_id in before.cellxgene.exclude:
        return text
    exclude = [*before.cellxgene.exclude, dataset_id]
    changed = _insert(text if text.endswith("\n") else f"{text}\n", dataset_id)
    try:
        is_right = _sorted(parse_datasets_file(changed)) == _sorted(before, exclude=exclude)
    except ConfigError:
        is_right = False
    if not is_right:
        raise ConfigError(
            f"datasets.yaml is written in a way that we cannot change without a guess. Write there by hand: "
            f"cellxgene: {{exclude: [{', '.join(exclude)}]}}."
        )
    return changed


def _insert(text: str, dataset_id: str) -> str:
    """Put the id behind the others, in the style of the list; what comes of it has to be looked at."""
    section = _SECTION.search(text)
    if section is None:
        return f"{text}cellxgene:\n  exclude: [{dataset_id}]\n"
    start, body = section.start("body"), section["body"]
    key = _KEY.search(body)
    if key is None:
        indent = _INDENT.search(body)
        line = f"{indent[1] if indent else '  '}exclude: [{dataset_id}]\n"
        return text[:start] + line + text[start:]
    if key["values"] is None:
        line = f"{key['indent']}  - {dataset_id}\n"
        end = start + key.end()
        return text[:end] + line + text[end:]
    values = ", ".join([*filter(None, [key["values"].strip()]), dataset_id])
    return text[: start + key.start("values")] + values + text[start + key.end("values") :]


def _sorted(settings: DatasetsFile, *, exclude: list[str] | None = None) -> DatasetsFile:
    exclude = settings.cellxgene.exclude if exclude is None else exclude
    selection = settings.cellxgene.model_copy(update={"exclude": sorted(exclude)})
    return settings.model_copy(update={"cellxgene": selection})
