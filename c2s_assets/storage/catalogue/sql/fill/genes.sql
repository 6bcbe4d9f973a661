insert into genes by name
select
    feature_id,
    arg_max(symbol, (n_same, symbol)) filter (where symbol is not null) as symbol,
    sum(n_same)::bigint as n_datasets,
    sum(n_expressed)::bigint as n_datasets_expressed,
    sum(n_cells)::bigint as n_cells
from (
    select
        feature_id,
        symbol,
        count(*) as n_same,
        sum((n_cells > 0)::integer) as n_expressed,
        sum(n_cells) as n_cells
    from features
    where coalesce(feature_kind, 'gene') = 'gene'
    group by feature_id, symbol
)
group by feature_id
order by feature_id;
