"""Names of the columns that more than one module uses, and how those of a source stand beside them."""

import re
from collections.abc import Collection

CELL_ID = "cell_id"
CELL_TYPE = "cell_type"
DATASET_ID = "dataset_id"
DONOR_ID = "donor_id"
DONOR_UID = "donor_uid"
ORGANISM = "organism"
DEVELOPMENT_STAGE = "development_stage"
DEVELOPMENT_STAGE_ID = "development_stage_ontology_term_id"
IS_PRIMARY_DATA = "is_primary_data"
SEX = "sex"

AGE = "age"
AGE_LOW = "age_low"
AGE_HIGH = "age_high"
AGE_METHOD = "age_method"
LIFE_STAGE = "life_stage"

FEATURE_ID = "feature_id"
FEATURE_NAME = "feature_name"
SYMBOL = "symbol"
APPROVED_SYMBOL = "approved_symbol"

FEATURE_INDEX = "feature_index"
VALUE = "value"

CELL_SENTENCE = "cell_sentence"
N_EXPRESSED = "n_expressed"
SENTENCE_LENGTH = "sentence_length"

SPLIT = "split"
SPLIT_LEVEL = "split_level"
FOLD = "fold"

# pandas takes a column of this name for its index, so none of ours has it.
INDEX_OF_PANDAS = "__index_level_0__"

_IN_SOURCE = "_in_source"


def name_beside(name: str, *, taken: Collection[str]) -> str:
    """Name a source's column in a table that has columns of its own: as in the source, unless that is taken.

    A taken name gets ``_in_source`` behind it. So does a name that is a taken one with ``_in_source``
    behind it already, so that two columns never get the same name.
    """
    plain = re.sub(rf"({_IN_SOURCE})+$", "", name)
    return name + _IN_SOURCE if plain in taken else name
