"""Which datasets of a lake are meant, and a table of each of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from c2s_assets.core.errors import C2SError, MissingInputError, UnknownNameError
from c2s_assets.core.ids import meant_by, nearest_id
from c2s_assets.core.reports.counts import some_of
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.record import Built
from c2s_assets.schemas.registry import TABLES
from c2s_assets.storage.dataset import AssetState, Dataset
from c2s_assets.storage.holdings import all_datasets
from c2s_assets.storage.lake.documents import read_settings
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.lake.places import shown_place
from c2s_assets.storage.lake.shapes import present_all
from c2s_assets.storage.sources.listing import withdrawn_datasets

_MOST_NAMED = 12


def choose_datasets(layout: Layout, ids: Sequence[str] | None) -> list[str]:
    """Return the ids that were asked for, or those of all that CELLxGENE Discover has not withdrawn.

    Raises
    ------
    UnknownNameError
        If the lake has no such dataset.
    """
    held = all_datasets(layout)
    if ids is None:
        withdrawn = withdrawn_datasets(layout)
        return [dataset_id for dataset_id in held if dataset_id not in withdrawn]
    if isinstance(ids, str):
        raise UnknownNameError(f"datasets is the one text {ids!r}. Give a list: datasets=[{ids!r}].")
    if unknown := [name for name in ids if name not in held]:
        near = nearest_id(unknown[0], held)
        raise UnknownNameError(
            f"{shown_place(layout, layout.root)} has no dataset {unknown[0]!r}{meant_by(near)}. "
            f"It has {some_of(held, most=_MOST_NAMED) or 'none'}."
        )
    return list(dict.fromkeys(ids))


def present_tables(
    layout: Layout, settings: DatasetsFile, table: str, ids: Sequence[str] | None
) -> dict[str, Built]:
    """Find a table of each dataset that is meant, as its record has it; see `present_states`."""
    states = present_states(layout, settings, table, ids)
    return {dataset_id: built for dataset_id, of in states.items() if (built := of[table].built) is not None}


def present_states(
    layout: Layout, settings: DatasetsFile, table: str, ids: Sequence[str] | None
) -> dict[str, Mapping[str, AssetState]]:
    """Tell how all tables of each dataset stand that is meant, see `choose_datasets`; this one is built.

    Raises
    ------
    MissingInputError
        If the table of one of them is missing or outdated, so that no dataset is left out, or used as it was
        before, without a word.
    """
    ready: dict[str, Mapping[str, AssetState]] = {}
    lacking: dict[str, str] = {}
    for dataset_id in choose_datasets(layout, ids):
        try:
            states = Dataset(layout, dataset_id, settings).state()
        except C2SError as error:  # a torn record
            lacking[dataset_id] = str(error)
            continue
        if states[table].standing == "built":
            ready[dataset_id] = states
        else:
            lacking[dataset_id] = problem_of(states[table])
    if lacking:
        raise MissingInputError(_refusal(table, lacking, ready=list(ready)))
    if not ready:
        raise MissingInputError(
            f"{shown_place(layout, layout.root)} holds no dataset yet. Add one with: c2s add PATH_OR_URL"
        )
    return ready


def present_record(layout: Layout, dataset_id: str, table: str) -> Built:
    """Return what the record says of a table that is built, of one dataset; see `present_tables`."""
    if table not in TABLES:
        raise UnknownNameError(f"{table!r} is no table. There are {', '.join(TABLES)}.")
    return present_tables(layout, read_settings(layout), table, [dataset_id])[dataset_id]


def files_of(layout: Layout, built: Built) -> list[Path]:
    """Return the files of a table, by name, after seeing that their bytes are here."""
    return present_all([layout.root / name for name in sorted(built.files)])


def problem_of(state: AssetState) -> str:
    """Say of a table that is not built how it stands, and why."""
    return f"{state.asset} is {state.standing}: {'; '.join(state.why)}"


def _refusal(table: str, lacking: Mapping[str, str], *, ready: Sequence[str]) -> str:
    named = list(lacking.items())[:_MOST_NAMED]
    rest = [f"and {len(lacking) - len(named):,} more"] if len(lacking) > len(named) else []
    ids = "" if rest else " " + " ".join(lacking)
    if TABLES[table].is_default:
        advice = f"Build what is missing or outdated: c2s build --outdated{ids}"
    else:
        advice = f"It is built where it is asked for: c2s build{ids or ' ID'} --only {table}"
    lines = [
        f"{len(lacking):,} of {len(lacking) + len(ready):,} datasets are not ready.",
        *(f"  {line}" for line in [*(f"{dataset_id}: {why}" for dataset_id, why in named), *rest]),
        advice,
    ]
    if ready:
        lines.append(f"Or name the others: {some_of(ready, most=_MOST_NAMED)}")
    return "\n".join(lines)
