"""What of the lake goes into a release, and whether that is what went into the last one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from c2s_assets.core.errors import MissingInputError
from c2s_assets.core.hashes import short_id
from c2s_assets.core.releases.entry import ReleaseEntry
from c2s_assets.core.settings import DatasetsFile
from c2s_assets.schemas.record import Built
from c2s_assets.schemas.registry import ENTRY_SHOWN, FEATURES, MANIFEST, PROFILE, SIDES_OF_DATASET
from c2s_assets.storage.choosing import present_states, problem_of
from c2s_assets.storage.dataset import AssetState
from c2s_assets.storage.lake.digest import file_digest
from c2s_assets.storage.lake.layout import Layout
from c2s_assets.storage.releases.beside import PSEUDOBULK, WITH_SIDES
from c2s_assets.storage.sources.listing import withdrawn_datasets

# Of what a release is made by: raised when the same tables come to other files.
_FORM = 2
_READ = (FEATURES, MANIFEST, PROFILE)


@dataclass(frozen=True)
class Parts:
    """Tables by dataset, as their records have them.

    Attributes
    ----------
    sides
        The training table.
    beside
        Of each dataset the further tables that go with it: prompts, pseudobulk, features.
    read
        What the texts beside them are made of.
    stated
        What `datasets.yaml` states of the publication of each dataset.
    """

    sides: Mapping[str, Built]
    beside: Mapping[str, Mapping[str, Built]]
    read: Mapping[str, Mapping[str, Built]]
    stated: Mapping[str, Mapping[str, object]]

    def made_from(self, gene_lists: Sequence[str]) -> dict[str, str]:
        """Identify what the files of each dataset are made of."""
        return {
            dataset_id: short_id([_FORM, gene_lists, built.digest, _digests(self.beside[dataset_id])])
            for dataset_id, built in self.sides.items()
        }

    def inputs(self, layout: Layout, entry: ReleaseEntry, made_from: Mapping[str, str]) -> str:
        """Identify all that a release is made of."""
        catalogue = (layout.split_plan, layout.leaks, layout.audited_datasets, layout.leak_inflation)
        shared = (*catalogue, layout.listing, layout.collections)
        return short_id(
            {
                "form": _FORM,
                "entry": entry.content,
                "tables": dict(made_from),
                "read": {name: _digests(tables) for name, tables in self.read.items()},
                "stated": self.stated,
                "shared": {path.name: file_digest(path) for path in shared if path.exists()},
            }
        )


def find_parts(layout: Layout, settings: DatasetsFile, entry: ReleaseEntry) -> Parts:
    """Find what goes into a release.

    Raises
    ------
    UnknownNameError
        If the lake has no such dataset.
    MissingInputError
        If a table of one is missing or outdated; of tables that have to be asked for, if it is outdated.
    """
    sides, beside, read = {}, {}, {}
    found = present_states(layout, settings, SIDES_OF_DATASET, _chosen(layout, entry))
    for dataset_id, states in found.items():
        sides[dataset_id] = _built(dataset_id, states[SIDES_OF_DATASET])
        read[dataset_id] = {table: _built(dataset_id, states[table]) for table in _READ}
        further = {
            table: _built(dataset_id, states[table])
            for table in WITH_SIDES
            if states[table].built is not None
        }
        of_features = {FEATURES: read[dataset_id][FEATURES]} if PSEUDOBULK in further else {}
        beside[dataset_id] = of_features | further
    stated = {name: settings.values(ENTRY_SHOWN, dataset_id=name) for name in sides}
    return Parts(sides, beside, read, stated)


def _chosen(layout: Layout, entry: ReleaseEntry) -> list[str] | None:
    """Return the datasets that are named without those that were withdrawn; None for all."""
    if not entry.datasets:
        return None
    withdrawn = withdrawn_datasets(layout)
    chosen = [dataset_id for dataset_id in entry.datasets if dataset_id not in withdrawn]
    if not chosen:
        raise MissingInputError("all datasets of the release were withdrawn. Name others in datasets.yaml.")
    return chosen


def _built(dataset_id: str, state: AssetState) -> Built:
    if state.built is None or state.standing != "built":
        raise MissingInputError(
            f"{dataset_id}: {problem_of(state)}. It goes into the release: build it with c2s build "
            f"{dataset_id} --only {state.asset}"
        )
    return state.built


def _digests(tables: Mapping[str, Built]) -> dict[str, str]:
    return {name: built.digest for name, built in tables.items()}
