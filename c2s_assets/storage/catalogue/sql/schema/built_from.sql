create table built_from (
    root varchar not null,
    snapshot varchar not null,
    lake_state varchar not null
);
comment on table built_from is 'What the catalogue was built from; one row.';
comment on column built_from.root is 'Folder of the lake; after it was moved the catalogue has to be built again.';
comment on column built_from.snapshot is 'Folder of the versions of tables that the views show.';
comment on column built_from.lake_state is 'Digest of which versions of which files there were.';
