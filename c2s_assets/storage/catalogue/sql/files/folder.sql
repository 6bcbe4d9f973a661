select
    parse_path(__file__)[-2] as dataset_id,
    parse_filename(__file__, true) as projection,
    * exclude (__file__, dataset_id, projection)
from read_parquet($files, union_by_name = true, hive_partitioning = false, filename = '__file__');
