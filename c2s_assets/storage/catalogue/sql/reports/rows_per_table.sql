select 'datasets' as "table", count(*) as n_rows from datasets
union all select 'listing', count(*) from listing
union all select 'collections', count(*) from collections
union all select 'publications', count(*) from publications
union all select 'genes', count(*) from genes
union all select 'checks', count(*) from checks;
