create table checks (
    dataset_id varchar not null,
    asset varchar not null,
    state varchar not null,
    claim varchar not null,
    severity varchar not null,
    holds boolean,
    message varchar not null,
    primary key (dataset_id, asset, claim)
);
comment on table checks is 'One row per check of each dataset, as its validation report has it.';
comment on column checks.dataset_id is 'Key of the dataset in this lake.';
comment on column checks.asset is 'Table that the check is about.';
comment on column checks.state is 'How that table stands: built, refused, outdated, not checked or not built.';
comment on column checks.claim is 'What is claimed.';
comment on column checks.severity is 'ERROR keeps the table from being published, WARN does not.';
comment on column checks.holds is 'Whether it is true; null if there is no result of the present source file.';
comment on column checks.message is 'What was found and, if the claim does not hold, what to do.';
