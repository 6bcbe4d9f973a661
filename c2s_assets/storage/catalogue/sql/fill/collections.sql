insert into collections by name
with in_lake as (
    select collection_id, min(publication_doi) as doi, count(*) as n_datasets
    from datasets
    where collection_id is not null
    group by collection_id
)
select
    known.* exclude (collection_id, doi),
    coalesce(known.collection_id, in_lake.collection_id) as collection_id,
    coalesce(known.doi, in_lake.doi) as doi,
    coalesce(in_lake.n_datasets, 0) as n_datasets
from known_collections as known
full join in_lake using (collection_id)
order by collection_id;
