select dataset_id, count(*) as n_cells
from cells
group by dataset_id
order by dataset_id;
