insert into checks by name
select * from reported;
