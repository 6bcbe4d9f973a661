"""The obs columns whose names and meaning are those of the schema of CELLxGENE."""

from c2s_assets.core.columns import (
    CELL_TYPE,
    DEVELOPMENT_STAGE,
    DEVELOPMENT_STAGE_ID,
    IS_PRIMARY_DATA,
    SEX,
    TISSUE_TYPE,
)

CURATED_LABELS = (
    CELL_TYPE,
    "cell_type_ontology_term_id",
    "tissue",
    "tissue_ontology_term_id",
    TISSUE_TYPE,
    "assay",
    "assay_ontology_term_id",
    "disease",
    "disease_ontology_term_id",
    SEX,
    "self_reported_ethnicity",
    "self_reported_ethnicity_ontology_term_id",
    DEVELOPMENT_STAGE,
    DEVELOPMENT_STAGE_ID,
    "suspension_type",
)
CURATED_COLUMNS = (*CURATED_LABELS, IS_PRIMARY_DATA)
