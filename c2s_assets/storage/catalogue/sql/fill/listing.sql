insert into listing by name
select * from listed
order by dataset_id;
