select 'datasets' as "table", count(*) as n_rows from datasets
union all select 'collections', count(*) from collections
union all select 'publications', count(*) from publications
union all select 'cells', count(*) from cells
union all select 'features', count(*) from features
union all select 'genes', count(*) from genes
union all select 'splits', count(*) from splits
union all select 'sentences', count(*) from sentences
union all select 'projections', count(*) from projections
union all select 'checks', count(*) from checks;
