select
    listed.collection_id,
    coalesce(known.name, listed.collection_name, listed.title) as title,
    coalesce(known.doi, listed.doi) as doi,
    known.description
from listed
left join known_collections as known using (collection_id)
where listed.dataset_id = $dataset_id;
