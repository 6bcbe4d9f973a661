"""The configs of a corpus: what `datasets` loads by name, and the viewer of the Hub shows side by side."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from c2s_assets.core.releases.lint import MOST_CONFIGS
from c2s_assets.core.splits.sides import SIDES

ALL = "all"

_EVERY_DATASET = "*"


def corpus_configs(
    sides: Mapping[str, tuple[str, ...]],
    collections: Mapping[str, str | None],
    *,
    beside: Mapping[str, Mapping[str, str]],
) -> list[dict[str, Any]]:
    """List the configs of a corpus: one for each dataset, further tables, and all; no side without rows.

    Where the viewer would list none of so many there is one for each collection instead, and a single dataset
    is loaded by its folder. `datasets` 5.2 looks up the files of the first config, whichever is loaded: those
    of all are the whole tree of the repository, so that it comes last. A dataset that is called like one of
    the others is in all only.

    Parameters
    ----------
    sides
        Those that each dataset has rows on.
    collections
        That of each dataset, where it is known.
    beside
        Further tables by their names: the pattern of the files of each split.
    """
    further = [
        {"config_name": name, "data_files": [{"split": split, "path": path} for split, path in files.items()]}
        for name, files in beside.items()
    ]
    most = MOST_CONFIGS - len(further)
    members = {dataset_id: [dataset_id] for dataset_id, of_dataset in sides.items() if of_dataset}
    if len(members) >= most:
        members = _by_collection(members, collections)
    if len(members) >= most:
        members = {}
    configs = [
        {"config_name": name, "data_files": _data_files(dataset_ids, sides)}
        for name, dataset_ids in members.items()
        if name != ALL and name not in beside
    ]
    used = [side for side in SIDES if any(side in of_dataset for of_dataset in sides.values())]
    every = [{"split": side, "path": _files(_EVERY_DATASET, side)} for side in used]
    return [*configs, *further, {"config_name": ALL, "default": True, "data_files": every}]


def _by_collection(dataset_ids: Iterable[str], collections: Mapping[str, str | None]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for dataset_id in dataset_ids:
        if (collection := collections.get(dataset_id)) is not None:
            found.setdefault(collection, []).append(dataset_id)
    return found


def _data_files(dataset_ids: Sequence[str], sides: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for side in SIDES:
        paths = [_files(dataset_id, side) for dataset_id in dataset_ids if side in sides[dataset_id]]
        if paths:
            found.append({"split": side, "path": paths[0] if len(paths) == 1 else paths})
    return found


def _files(folder: str, side: str) -> str:
    return f"{folder}/{side}/*.parquet"
