insert into indistinct_donors
select unnest($names);
