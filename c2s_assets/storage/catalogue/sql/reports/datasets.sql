select
    dataset_id,
    title,
    organism,
    array_to_string(tissue, ', ') as tissue,
    n_cells,
    n_donors,
    age_min,
    age_max,
    len(tables) as n_tables
from datasets
order by n_cells desc, dataset_id;
