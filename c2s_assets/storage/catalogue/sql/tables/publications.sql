create table publications (
    doi varchar primary key,
    title varchar,
    journal varchar,
    published_year integer,
    is_preprint boolean,
    n_datasets bigint not null
);
comment on table publications is 'One row per publication that the lake or the listing names.';
comment on column publications.doi is 'DOI.';
comment on column publications.title is 'Title of its collection, else of the first of its datasets.';
comment on column publications.journal is 'Where it was published.';
comment on column publications.published_year is 'When it was published.';
comment on column publications.is_preprint is 'Whether that is a preprint.';
comment on column publications.n_datasets is 'Its datasets in this lake.';
