create table indistinct_donors (
    name varchar primary key
);
comment on table indistinct_donors is 'Names of donors, in lower case, that mean that nobody knows who.';
comment on column indistinct_donors.name is 'Such as unknown or pooled.';
