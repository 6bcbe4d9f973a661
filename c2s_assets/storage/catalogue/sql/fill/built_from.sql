insert into built_from
values ($root, $snapshot, $lake_state);
