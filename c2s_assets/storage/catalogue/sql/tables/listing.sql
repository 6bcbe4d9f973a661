create table listing (
    dataset_id varchar primary key,
    dataset_version_id varchar not null,
    collection_id varchar not null,
    collection_name varchar,
    title varchar,
    cell_count bigint,
    primary_cell_count bigint,
    mean_genes_per_cell float,
    organism varchar[] not null,
    tissue varchar[] not null,
    assay varchar[] not null,
    disease varchar[] not null,
    sex varchar[] not null,
    development_stage varchar[] not null,
    cell_type varchar[] not null,
    self_reported_ethnicity varchar[] not null,
    suspension_type varchar[] not null,
    donor_id varchar[] not null,
    n_donors integer not null,
    is_primary_data boolean[] not null,
    schema_version varchar,
    published_at date,
    revised_at date,
    explorer_url varchar,
    h5ad_url varchar,
    h5ad_size_bytes bigint,
    doi varchar,
    n_absent integer not null
);
comment on table listing is 'One row per dataset that CELLxGENE Discover lists, whether the lake holds it or not.';
comment on column listing.dataset_id is 'Stable id; key of the dataset in this lake if it is held.';
comment on column listing.dataset_version_id is 'Its newest version.';
comment on column listing.collection_id is 'Collection it belongs to.';
comment on column listing.collection_name is 'Title of the collection.';
comment on column listing.title is 'Title of the dataset.';
comment on column listing.cell_count is 'Cells.';
comment on column listing.primary_cell_count is 'Cells that are the canonical copy.';
comment on column listing.mean_genes_per_cell is 'Genes a cell expresses.';
comment on column listing.organism is 'Species, as scientific names.';
comment on column listing.tissue is 'Tissues.';
comment on column listing.assay is 'Assays.';
comment on column listing.disease is 'Diseases; normal is one.';
comment on column listing.sex is 'Sexes.';
comment on column listing.development_stage is 'Stages of development.';
comment on column listing.cell_type is 'Cell types.';
comment on column listing.self_reported_ethnicity is 'Ethnicities.';
comment on column listing.suspension_type is 'cell, nucleus or na.';
comment on column listing.donor_id is 'Donors as the dataset names them.';
comment on column listing.n_donors is 'Donors that can be told apart.';
comment on column listing.is_primary_data is 'Whether it holds canonical cells, others, or both.';
comment on column listing.schema_version is 'CELLxGENE schema of the h5ad.';
comment on column listing.published_at is 'Day of its first publication.';
comment on column listing.revised_at is 'Day of its last revision.';
comment on column listing.explorer_url is 'Where to look at it in a browser.';
comment on column listing.h5ad_url is 'Address of the h5ad; null if there is none.';
comment on column listing.h5ad_size_bytes is 'Size of the h5ad.';
comment on column listing.doi is 'DOI of the publication of its collection.';
comment on column listing.n_absent is 'Listings running that it was missing from; 0: it is in the last one.';
