select
    parse_path(__file__)[-2] as dataset_id,
    * exclude (__file__, dataset_id)
from read_parquet($files, union_by_name = true, hive_partitioning = false, filename = '__file__');
