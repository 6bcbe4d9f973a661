create view splits as
select
    dataset_id,
    split_level,
    donor_uid,
    donor_id,
    cell_id,
    split,
    fold,
    age_median,
    n_cells,
    n_non_primary,
    n_without_age,
    n_eligible,
    reason
from files.split_manifest;
comment on view splits is 'One row per donor, or per cell where a dataset names no donors: its side and why.';
comment on column splits.dataset_id is 'Key of the dataset in this lake.';
comment on column splits.split_level is 'What was split: donor or cell.';
comment on column splits.donor_uid is 'Donor across datasets.';
comment on column splits.donor_id is 'Donor as the source names it.';
comment on column splits.cell_id is 'Cell, where cells were split.';
comment on column splits.split is 'Side of all its cells: train or test.';
comment on column splits.fold is 'Fold for cross-validation; null: the donor is not known, always for training.';
comment on column splits.age_median is 'Median age of its cells, in years.';
comment on column splits.n_cells is 'All its cells.';
comment on column splits.n_non_primary is 'Cells left out: not the canonical copy.';
comment on column splits.n_without_age is 'Cells left out: no age.';
comment on column splits.n_eligible is 'Cells that are used.';
comment on column splits.reason is 'Why it is on this side.';
