insert into publications by name
with named as (
    select doi, name as title, journal, published_year, is_preprint, 0 as is_dataset
    from collections
    where doi is not null
    union all by name
    select publication_doi as doi, title, 1 as is_dataset
    from datasets
    where publication_doi is not null
)
select
    doi,
    arg_min(title, (is_dataset, title)) filter (where title is not null) as title,
    min(journal) as journal,
    min(published_year) as published_year,
    bool_and(is_preprint) as is_preprint,
    sum(is_dataset)::bigint as n_datasets
from named
group by doi
order by doi;
