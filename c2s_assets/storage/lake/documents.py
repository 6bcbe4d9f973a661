"""The lake's JSON documents and settings file."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from c2s_assets.core.errors import ConfigError, LakeError, MissingInputError
from c2s_assets.core.findings import Finding
from c2s_assets.core.settings import DatasetsFile, parse_datasets_file
from c2s_assets.core.yaml_bounds import MAX_CHARACTERS
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.settings_file import place_of_settings
from c2s_assets.storage.lake.shapes import present

Document = TypeVar("Document", bound=BaseModel)


def write_document(path: Path, content: BaseModel | dict[str, object]) -> None:
    """Write a document as readable JSON, the same bytes for the same content."""
    plain = content.model_dump(mode="json") if isinstance(content, BaseModel) else content
    path.write_text(json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_document(path: Path, model: type[Document]) -> Document:
    """Read a document and check it against its model.

    Raises
    ------
    MissingInputError
        If it was not written yet.
    LakeError
        If it is not what we write.
    """
    try:
        return model.model_validate_json(present(path).read_bytes())
    except FileNotFoundError as error:
        raise MissingInputError(
            f"{path} does not exist yet. Build it first: c2s build, or materialize it in the UI."
        ) from error
    except ValidationError as error:
        raise LakeError(f"{path} is not what c2s_assets writes: {error}. Build it again.") from error


def keeps_document(path: Path, model: type[BaseModel]) -> Finding:
    """Claim that a written document holds every part of its model."""
    try:
        model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        return Finding(
            "keeps_schema", False, f"{path.name}: {error}. This is a fault of ours: please report it."
        )
    return Finding("keeps_schema", True, f"{path.name} holds every part of {model.__name__}.")


def names_every_key(path: Path, keys: Collection[str]) -> Finding:
    """Claim that a written JSON object has exactly these keys."""
    written = json.loads(path.read_text(encoding="utf-8"))
    lost = sorted(set(keys) ^ set(written))
    message = f"{path.name} is JSON and names all {len(keys)} keys."
    if lost:
        message = (
            f"{path.name} does not agree with the source on the keys {', '.join(lost)}. "
            f"This is a fault of ours: please report it."
        )
    return Finding("keeps_schema", not lost, message, {"n_keys": len(written)})


def read_settings(layout: Layout) -> DatasetsFile:
    """Read the lake's `datasets.yaml`; without one, nothing is set.

    Raises
    ------
    ConfigError
        If it is not UTF-8, not YAML, too long, or says something we cannot follow.
    """
    try:
        with layout.settings.open(encoding="utf-8") as file:
            text = file.read(MAX_CHARACTERS + 1)  # of a longer one, enough to be refused
    except FileNotFoundError:
        text = ""
    except UnicodeDecodeError as error:
        raise ConfigError(f"{place_of_settings(layout)} is not UTF-8: {error}. Save it as UTF-8.") from error
    return parse_datasets_file(text)
