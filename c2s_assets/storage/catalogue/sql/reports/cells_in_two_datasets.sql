-- Cells of two datasets with one id, one donor and as many expressed genes. By chance two libraries share about
-- one barcode in a hundred; ids that only count the rows say nothing.
with named as (
    select dataset_id, cell_id, donor_id, hash(cell_id, donor_id) as cell
    from cells
    where not regexp_full_match(cell_id, '[0-9]+')
),

repeated as (
    select cell
    from named
    group by cell
    having min(dataset_id) <> max(dataset_id)
),

copies as (
    select named.dataset_id, named.cell_id, named.donor_id, sentences.n_expressed
    from named
    left join sentences on sentences.dataset_id = named.dataset_id and sentences.cell_id = named.cell_id
    where named.cell in (select cell from repeated)
),

shared as (
    select a.dataset_id as dataset_a, b.dataset_id as dataset_b, count(*) as n_shared
    from copies as a
    join copies as b
        on a.cell_id = b.cell_id
        and a.donor_id is not distinct from b.donor_id
        and a.n_expressed is not distinct from b.n_expressed
        and a.dataset_id < b.dataset_id
    group by a.dataset_id, b.dataset_id
),

sizes as (
    select dataset_id, count(*) as n_cells
    from cells
    group by dataset_id
)

select dataset_a, dataset_b, n_shared, a.n_cells as n_cells_a, b.n_cells as n_cells_b
from shared
join sizes as a on a.dataset_id = dataset_a
join sizes as b on b.dataset_id = dataset_b
where n_shared >= 0.5 * least(a.n_cells, b.n_cells)
order by n_shared desc, dataset_a, dataset_b;
