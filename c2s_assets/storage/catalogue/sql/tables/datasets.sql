create table datasets (
    dataset_id varchar primary key,
    title varchar,
    organism varchar,
    collection_id varchar,
    publication_doi varchar,
    licence varchar,
    citation varchar,
    n_cells bigint not null,
    n_primary_cells bigint not null,
    n_donors bigint not null,
    n_features bigint,
    age_min float,
    age_max float,
    tissue varchar[] not null,
    disease varchar[] not null,
    assay varchar[] not null,
    sex varchar[] not null,
    layer varchar,
    verdict varchar,
    tables varchar[] not null,
    projections varchar[] not null,
    source_sha256 varchar not null,
    dataset_version_id varchar,
    source_url varchar,
    retrieved_at varchar,
    source_size_bytes bigint,
    is_current boolean not null,
    is_newest boolean
);
comment on table datasets is 'One row per dataset whose cells can be read.';
comment on column datasets.dataset_id is 'Key of the dataset in this lake.';
comment on column datasets.title is 'Title, as the file''s owner, the listing of Discover or the file states it.';
comment on column datasets.organism is 'Species; the most frequent one where cells differ.';
comment on column datasets.collection_id is 'Collection of CELLxGENE Discover.';
comment on column datasets.publication_doi is 'DOI of the publication.';
comment on column datasets.licence is 'Licence of the data.';
comment on column datasets.citation is 'How to cite the data.';
comment on column datasets.n_cells is 'Cells.';
comment on column datasets.n_primary_cells is 'Cells that are the canonical copy.';
comment on column datasets.n_donors is 'Donors that can be told apart.';
comment on column datasets.n_features is 'Features of the chosen matrix.';
comment on column datasets.age_min is 'Lowest age of a cell, in years.';
comment on column datasets.age_max is 'Highest age of a cell, in years.';
comment on column datasets.tissue is 'Tissues of its cells.';
comment on column datasets.disease is 'Diseases of its cells; normal is one.';
comment on column datasets.assay is 'Assays of its cells.';
comment on column datasets.sex is 'Sexes of its cells.';
comment on column datasets.layer is 'The matrix that is ranked.';
comment on column datasets.verdict is 'What its values are: counts, normalised, scaled or unknown.';
comment on column datasets.tables is 'Tables that were made from this version of the source.';
comment on column datasets.projections is 'Projections it has, by name.';
comment on column datasets.source_sha256 is 'Digest of the source file that the tables were made from.';
comment on column datasets.dataset_version_id is 'Version of a dataset of CELLxGENE Discover.';
comment on column datasets.source_url is 'Address that the source file was downloaded from.';
comment on column datasets.retrieved_at is 'When the source file was copied or downloaded, ISO 8601 UTC.';
comment on column datasets.source_size_bytes is 'Size of the source file.';
comment on column datasets.is_current is 'Whether the tables were made from the source file as it is now.';
comment on column datasets.is_newest is 'Whether they are of the version that CELLxGENE Discover lists; null if either is not known.';
