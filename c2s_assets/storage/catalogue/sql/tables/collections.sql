create table collections (
    collection_id varchar primary key,
    name varchar,
    description varchar,
    doi varchar,
    journal varchar,
    published_year integer,
    is_preprint boolean,
    n_datasets bigint not null
);
comment on table collections is 'One row per collection of CELLxGENE Discover that the lake or the listing names.';
comment on column collections.collection_id is 'Stable id.';
comment on column collections.name is 'Title.';
comment on column collections.description is 'What it holds, without e-mail addresses.';
comment on column collections.doi is 'DOI of the publication.';
comment on column collections.journal is 'Where it was published.';
comment on column collections.published_year is 'When it was published.';
comment on column collections.is_preprint is 'Whether that is a preprint.';
comment on column collections.n_datasets is 'Its datasets in this lake.';
