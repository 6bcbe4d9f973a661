"""The record of a dataset: one small JSON document, committed with the tables that it is about."""

import json
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from c2s_assets.core.errors import LakeError, NewerLakeError
from c2s_assets.schemas.record import Record
from c2s_assets.storage.lake.layout import Layout

_KNOWN = Record.model_fields["version"].default
# The last lines of what `render_record` writes, whose names are in order.
_LAST_LINES = f' "version": {_KNOWN}\n}}\n'.encode()


def read_record(layout: Layout, dataset_id: str) -> Record:
    """Return what is known of a dataset; of one that nothing was made of, an empty record.

    Raises
    ------
    LakeError
        If the record is not what we write.
    NewerLakeError
        If it is what a later version writes, of which we know nothing.
    """
    path = layout.record(dataset_id)
    try:
        record = Record.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Record(dataset_id=dataset_id)
    except ValidationError as error:
        _refuse_newer(path)
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"]) or "the whole"
        raise LakeError(
            f"{path} cannot be read ({place}: {problem['msg']}), so that nobody knows how its tables stand. "
            f"Build them again: c2s build {dataset_id}."
        ) from error
    if record.dataset_id != dataset_id:
        raise LakeError(
            f"{path} is the record of {record.dataset_id!r}: was the folder copied or renamed by hand? Build "
            f"the dataset again: c2s build {dataset_id}."
        )
    return record


def refuse_newer_lake(layout: Layout) -> None:
    """Refuse a lake in which a later version has written a record.

    Of a record of ours the last line says its form, so that of 2,000 datasets a few bytes each are read.

    Raises
    ------
    NewerLakeError
        Naming the first such record.
    """
    for path in sorted(layout.records()):
        # Of a file that cannot be read others tell.
        with suppress(OSError):
            with path.open("rb") as record:
                record.seek(max(path.stat().st_size - len(_LAST_LINES), 0))
                is_ours = record.read() == _LAST_LINES
            if not is_ours:
                _refuse_newer(path)


def _refuse_newer(path: Path) -> None:
    try:
        version = json.loads(path.read_bytes())["version"]
    except (ValueError, KeyError, TypeError):
        return
    if isinstance(version, int) and version > _KNOWN:
        raise NewerLakeError(
            f"{path} was written by a newer c2s_assets (form {version} of records; this one knows {_KNOWN}). "
            f"Update c2s_assets here, or use the lake from where that is: nothing was changed."
        )


def known_record(layout: Layout, dataset_id: str) -> Record:
    """Return the record as `read_record`, but an empty one in place of one that cannot be read.

    Raises
    ------
    NewerLakeError
        If it is what a later version writes.
    """
    try:
        return read_record(layout, dataset_id)
    except NewerLakeError:
        raise
    except LakeError:
        return Record(dataset_id=dataset_id)


def render_record(record: Record) -> str:
    """Write a record as text, all in order of names, so that the same record is the same bytes."""
    plain = record.model_dump(mode="json")
    return f"{json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False, sort_keys=True)}\n"
