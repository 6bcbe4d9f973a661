with in_use as (
    select donor_uid, dataset_id, split, n_eligible
    from splits
    where
        split_level != 'cell'
        and n_eligible > 0
        and fold is not null
)

select
    donor_uid,
    list(dataset_id order by dataset_id) filter (where split = 'train') as in_train_of,
    list(dataset_id order by dataset_id) filter (where split = 'test') as in_test_of,
    (sum(n_eligible) filter (where split = 'train'))::bigint as n_cells_in_train,
    (sum(n_eligible) filter (where split = 'test'))::bigint as n_cells_in_test
from in_use
group by donor_uid
having count(distinct split) > 1
order by n_cells_in_test desc, donor_uid;
