select
    count(distinct dataset_id) as n_datasets,
    count(*) as n_cells,
    count(*) filter (where is_primary_data is not false) as n_primary_cells,
    count(distinct donor_uid) filter (where has_known_donor is not false) as n_donors,
    count(age) as n_cells_with_age,
    coalesce(sum(len(disease_list) - 1), 0)::bigint as n_further_diseases,
    min(age) as age_min,
    max(age) as age_max,
    (select count(*) from genes) as n_genes,
    (select count(*) from publications where n_datasets > 0) as n_publications
from cells;
