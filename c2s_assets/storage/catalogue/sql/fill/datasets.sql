insert into datasets by name
with counted as (
    select
        dataset_id,
        mode(organism) as organism,
        count(*) as n_cells,
        count(*) filter (where is_primary_data is not false) as n_primary_cells,
        count(distinct donor_uid) filter (where has_known_donor is not false) as n_donors,
        min(age) as age_min,
        max(age) as age_max,
        list_sort(coalesce(list(distinct tissue) filter (where tissue is not null), [])) as tissue,
        list_sort(list_distinct(flatten(
            coalesce(list(distinct disease_list) filter (where disease_list is not null), [])
        ))) as disease,
        list_sort(coalesce(list(distinct assay) filter (where assay is not null), [])) as assay,
        list_sort(coalesce(list(distinct sex) filter (where sex is not null), [])) as sex
    from cells
    group by dataset_id
)
select
    described.dataset_id,
    coalesce(described.title, listed.title) as title,
    coalesce(counted.organism, described.organism) as organism,
    coalesce(listed.collection_id, described.collection_id) as collection_id,
    coalesce(listed.doi, described.publication_doi) as publication_doi,
    described.licence,
    described.citation,
    coalesce(counted.n_cells, 0) as n_cells,
    coalesce(counted.n_primary_cells, 0) as n_primary_cells,
    coalesce(counted.n_donors, 0) as n_donors,
    described.n_features,
    counted.age_min,
    counted.age_max,
    coalesce(counted.tissue, []) as tissue,
    coalesce(counted.disease, []) as disease,
    coalesce(counted.assay, []) as assay,
    coalesce(counted.sex, []) as sex,
    described.layer,
    described.verdict,
    described.tables,
    described.projections,
    described.source_sha256,
    described.dataset_version_id,
    described.source_url,
    described.retrieved_at,
    described.source_size_bytes,
    described.is_current,
    described.outdated,
    described.dataset_version_id = listed.dataset_version_id as is_newest
from described
left join counted using (dataset_id)
left join listed using (dataset_id)
order by described.dataset_id;
