create table genes (
    feature_id varchar primary key,
    symbol varchar,
    n_datasets bigint not null,
    n_datasets_expressed bigint,
    n_cells bigint
);
comment on table genes is 'One row per feature id of a gene in any dataset; what else was counted is in features.';
comment on column genes.feature_id is 'Ensembl id without version, else the var index.';
comment on column genes.symbol is 'Gene symbol that most datasets give it.';
comment on column genes.n_datasets is 'Datasets that have it.';
comment on column genes.n_datasets_expressed is 'Datasets with a cell that expresses it; null if that was not counted in any.';
comment on column genes.n_cells is 'Cells that express it, in all datasets; copies of a cell are counted each.';
