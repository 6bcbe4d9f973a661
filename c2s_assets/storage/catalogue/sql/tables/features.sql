create view features as
select
    dataset_id,
    feature_id,
    symbol,
    approved_symbol,
    symbol_source,
    is_duplicated_symbol,
    feature_kind,
    var_name,
    n_cells,
    mean,
    is_highly_variable,
    feature_biotype::varchar as feature_biotype
from files.feature_metadata;
comment on view features is 'One row per feature of each dataset.';
comment on column features.dataset_id is 'Key of the dataset in this lake.';
comment on column features.feature_id is 'Ensembl id without version, else the var index.';
comment on column features.symbol is 'Gene symbol; null if none is known.';
comment on column features.approved_symbol is 'What HGNC calls this human gene today; null if that is not sure, or was not asked.';
comment on column features.symbol_source is 'var column of the symbol, var_name or hgnc.';
comment on column features.is_duplicated_symbol is 'Whether another feature of the dataset has the same symbol.';
comment on column features.feature_kind is 'gene, or what else was counted: spike_in, protein, hashtag, guide, peak, other; null in tables of an earlier c2s_assets.';
comment on column features.var_name is 'Index of var as it stands in the source.';
comment on column features.n_cells is 'Cells of the dataset that express it; null if it was not counted.';
comment on column features.mean is 'Mean over all cells of the dataset, in the units of its matrix.';
comment on column features.is_highly_variable is 'Whether it is among the highly variable features; null if that was not decided.';
comment on column features.feature_biotype is 'gene or spike-in; null where a source does not say.';
