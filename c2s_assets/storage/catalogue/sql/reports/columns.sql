select
    table_name as "table",
    column_name as "column",
    data_type as type,
    comment
from duckdb_columns()
where schema_name = 'main' and not internal
order by table_name, column_index;
