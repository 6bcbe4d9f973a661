"""Names of the columns that more than one module uses, and how those of a source stand beside them."""

import itertools
import re
from collections.abc import Collection, Iterable, Mapping

CELL_ID = "cell_id"
CELL_TYPE = "cell_type"
DATASET_ID = "dataset_id"
DONOR_ID = "donor_id"
DONOR_UID = "donor_uid"
HAS_KNOWN_DONOR = "has_known_donor"
ORGANISM = "organism"
DEVELOPMENT_STAGE = "development_stage"
DEVELOPMENT_STAGE_ID = "development_stage_ontology_term_id"
IS_PRIMARY_DATA = "is_primary_data"
SEX = "sex"
TISSUE_TYPE = "tissue_type"
# Since version 7 of the schema of CELLxGENE.
PERTURBATION = "genetic_perturbation_id"
PERTURBATION_STRATEGY = "genetic_perturbation_strategy"

AGE = "age"
AGE_LOW = "age_low"
AGE_HIGH = "age_high"
AGE_METHOD = "age_method"
LIFE_STAGE = "life_stage"

FEATURE_ID = "feature_id"
FEATURE_NAME = "feature_name"
FEATURE_KIND = "feature_kind"
# What var calls a feature of raw.var that stands there under another name.
INDEX_OF_VAR = "index_of_var"
SYMBOL = "symbol"
APPROVED_SYMBOL = "approved_symbol"

FEATURE_INDEX = "feature_index"
VALUE = "value"

CELL_SENTENCE = "cell_sentence"
N_EXPRESSED = "n_expressed"
SENTENCE_LENGTH = "sentence_length"
N_ABOVE_TIES = "n_above_ties"
TIE_SHARE = "tie_share"

TASK = "task"
PROMPT = "prompt"
RESPONSE = "response"
NUM_GENES = "num_genes"
N_TOKENS = "n_tokens"
CELL_IDS = "cell_ids"
TEMPLATE_ID = "template_id"

SPLIT = "split"
SPLIT_LEVEL = "split_level"
FOLD = "fold"

# Where cells of several datasets are in one table: what only some have, as JSON.
SOURCE_COLUMNS = "source_columns"

# pandas takes a column of this name for its index, so none of ours has it.
INDEX_OF_PANDAS = "__index_level_0__"
# What the catalogue calls the file of a row while it reads it, so that no table may have it either.
FILE_OF_ROW = "__file__"
RESERVED_NAMES = (INDEX_OF_PANDAS, FILE_OF_ROW)

IN_SOURCE = "_in_source"
_ENDS_IN_SOURCE = re.compile(rf"({IN_SOURCE})+\Z")


def names_beside(
    names: Iterable[str], *, taken: Collection[str], curated: Collection[str] = ()
) -> dict[str, str]:
    """Name a source's columns in a table that has columns of its own, so that no two differ in case only.

    SQL does not tell `Sex` from `sex`, so names are compared without case. A column keeps its name unless
    that is taken. Of several that differ in case only, the one in lower case keeps it, else the first in
    alphabetical order; a curated name only the column that is called exactly so. All others, and those that
    already are such a name with ``_in_source`` behind it, get ``_in_source`` behind theirs, and a number if
    another is called that: `Donor_ID_in_source_2`. The order of the columns does not matter.

    Parameters
    ----------
    taken
        Columns that the table has of its own, and names that none may have.
    curated
        Names whose meaning others rely on, such as `tissue`, whether the source has them or not.

    Returns
    -------
    The name in the table for each name in the source, in the order of `names`.
    """
    names = list(names)
    plain = {name.casefold() for name in taken}
    exact = {name.casefold(): name for name in curated}
    own: dict[str, str] = {}
    used: set[str] = set()
    repeated: list[str] = []
    for name in sorted(names, key=lambda name: (name.casefold(), name != name.lower(), name)):
        wanted = name + IN_SOURCE if _is_displaced(name, plain, exact) else name
        if wanted.casefold() in used:
            repeated.append(name)
            continue
        own[name] = wanted
        used.add(wanted.casefold())
    for name in repeated:
        further = (f"{name}{IN_SOURCE}_{number}" for number in itertools.count(2))
        candidates = itertools.chain([name + IN_SOURCE], further)
        own[name] = next(wanted for wanted in candidates if wanted.casefold() not in used)
        used.add(own[name].casefold())
    return {name: own[name] for name in names}


def _is_displaced(name: str, taken: Collection[str], curated: Mapping[str, str]) -> bool:
    without_ending = _ENDS_IN_SOURCE.sub("", name.casefold())
    return without_ending in taken or curated.get(without_ending, name) != name
