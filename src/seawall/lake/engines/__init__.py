"""The engines that read the lake, one per file. DuckDB is built in; others read the same Parquet files."""
