create view cells as
select
    cell_id,
    dataset_id,
    donor_id,
    donor_uid,
    has_known_donor,
    organism,
    age::float as age,
    age_low::float as age_low,
    age_high::float as age_high,
    age_method,
    life_stage,
    cell_type::varchar as cell_type,
    cell_type_ontology_term_id::varchar as cell_type_ontology_term_id,
    tissue::varchar as tissue,
    tissue_ontology_term_id::varchar as tissue_ontology_term_id,
    tissue_type::varchar as tissue_type,
    assay::varchar as assay,
    assay_ontology_term_id::varchar as assay_ontology_term_id,
    disease::varchar as disease,
    disease_ontology_term_id::varchar as disease_ontology_term_id,
    sex::varchar as sex,
    self_reported_ethnicity::varchar as self_reported_ethnicity,
    self_reported_ethnicity_ontology_term_id::varchar as self_reported_ethnicity_ontology_term_id,
    development_stage::varchar as development_stage,
    development_stage_ontology_term_id::varchar as development_stage_ontology_term_id,
    suspension_type::varchar as suspension_type,
    is_primary_data,
    -- A table that was built before there were lists has the texts alone.
    case when disease is not null then coalesce(disease_list, [disease::varchar]) end as disease_list,
    case when disease_ontology_term_id is not null then coalesce(disease_ontology_term_id_list, [disease_ontology_term_id::varchar]) end as disease_ontology_term_id_list,
    case when self_reported_ethnicity is not null then coalesce(self_reported_ethnicity_list, [self_reported_ethnicity::varchar]) end as self_reported_ethnicity_list,
    case when self_reported_ethnicity_ontology_term_id is not null then coalesce(self_reported_ethnicity_ontology_term_id_list, [self_reported_ethnicity_ontology_term_id::varchar]) end as self_reported_ethnicity_ontology_term_id_list
from files.cell_metadata;
comment on view cells is
    'One row per cell. Own columns of single datasets are in files.cell_metadata.';
comment on column cells.cell_id is 'Index of obs: the barcode; unique within a dataset.';
comment on column cells.dataset_id is 'Key of the dataset in this lake.';
comment on column cells.donor_id is 'Donor, in one spelling where the source has several that differ in case or space.';
comment on column cells.donor_uid is 'Donor across datasets: <collection_id or dataset_id>/<donor_id>.';
comment on column cells.has_known_donor is 'Whether the donor can be told from others; null for a dataset to be built again, which does not say.';
comment on column cells.organism is 'Species, as a scientific name.';
comment on column cells.age is 'Age in years; null before birth.';
comment on column cells.age_low is 'Lower end of the interval the age stands for, in years.';
comment on column cells.age_high is 'Upper end of that interval, not part of it; null if open.';
comment on column cells.age_method is 'Where the age was read.';
comment on column cells.life_stage is 'Before or after birth.';
comment on column cells.cell_type is 'Cell type; this and the following are null where a source has no such column.';
comment on column cells.cell_type_ontology_term_id is 'Its term in the Cell Ontology.';
comment on column cells.tissue is 'Tissue.';
comment on column cells.tissue_ontology_term_id is 'Its term in Uberon, or of a cell culture.';
comment on column cells.tissue_type is 'tissue, organoid, cell culture ...';
comment on column cells.assay is 'Assay.';
comment on column cells.assay_ontology_term_id is 'Its term in the Experimental Factor Ontology.';
comment on column cells.disease is 'Disease; normal if there is none.';
comment on column cells.disease_ontology_term_id is 'Its term in MONDO.';
comment on column cells.sex is 'Sex.';
comment on column cells.self_reported_ethnicity is 'Ethnicity as the donor states it.';
comment on column cells.self_reported_ethnicity_ontology_term_id is 'Its term in HANCESTRO or AfPO.';
comment on column cells.development_stage is 'Stage of development.';
comment on column cells.development_stage_ontology_term_id is 'Its term in HsapDv, MmusDv ...';
comment on column cells.suspension_type is 'cell, nucleus or na.';
comment on column cells.is_primary_data is 'Whether this is the canonical copy of the cell; null where the source does not say.';
comment on column cells.disease_list is 'Diseases, each by itself, where the source joins several by ||; null if unknown.';
comment on column cells.disease_ontology_term_id_list is 'Their terms in MONDO.';
comment on column cells.self_reported_ethnicity_list is 'Ethnicities, each by itself.';
comment on column cells.self_reported_ethnicity_ontology_term_id_list is 'Their terms in HANCESTRO or AfPO.';
