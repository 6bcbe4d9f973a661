with described as (
    select
        dataset_id,
        donor_uid,
        has_known_donor,
        is_primary_data,
        tissue,
        disease_list,
        organism,
        assay,
        age,
        case
            when life_stage = 'prenatal' then 'prenatal'
            when age is not null
                then printf('%d to %d', floor(age / 10)::integer * 10, floor(age / 10)::integer * 10 + 9)
        end as age_decade
    from cells
),

counted as (
    select
        case
            when grouping(tissue) = 0 then 'tissue'
            when grouping(organism) = 0 then 'organism'
            when grouping(assay) = 0 then 'assay'
            else 'age_decade'
        end as property,
        coalesce(tissue, organism, assay, age_decade) as value,
        count(*) as n_cells,
        count(*) filter (where is_primary_data is not false) as n_primary_cells,
        count(distinct donor_uid) filter (where has_known_donor is not false) as n_donors,
        count(distinct dataset_id) as n_datasets,
        min(age) as age_min
    from described
    group by grouping sets ((tissue), (organism), (assay), (age_decade))
    union all by name
    -- A cell of several diseases counts for each of them.
    select
        'disease' as property,
        disease as value,
        count(*) as n_cells,
        count(*) filter (where is_primary_data is not false) as n_primary_cells,
        count(distinct donor_uid) filter (where has_known_donor is not false) as n_donors,
        count(distinct dataset_id) as n_datasets,
        min(age) as age_min
    from (select *, unnest(coalesce(disease_list, [null])) as disease from described)
    group by disease
)

select property, value, n_cells, n_primary_cells, n_donors, n_datasets
from counted
order by
    property,
    value is null,
    case when property = 'age_decade' then age_min end nulls first,
    n_cells desc,
    value;
