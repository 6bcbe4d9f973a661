"""Names of the columns and files' fields that more than one module uses."""

CELL_ID = "cell_id"
CELL_TYPE = "cell_type"
DATASET_ID = "dataset_id"
DONOR_ID = "donor_id"
DONOR_UID = "donor_uid"
ORGANISM = "organism"
DEVELOPMENT_STAGE = "development_stage"
DEVELOPMENT_STAGE_ID = "development_stage_ontology_term_id"
IS_PRIMARY_DATA = "is_primary_data"

AGE = "age"
AGE_LOW = "age_low"
AGE_HIGH = "age_high"
AGE_METHOD = "age_method"
LIFE_STAGE = "life_stage"

FEATURE_ID = "feature_id"
FEATURE_NAME = "feature_name"
SYMBOL = "symbol"

CELL_SENTENCE = "cell_sentence"
N_EXPRESSED = "n_expressed"
SENTENCE_LENGTH = "sentence_length"

SPLIT = "split"
SPLIT_LEVEL = "split_level"
FOLD = "fold"
