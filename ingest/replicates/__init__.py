"""Averages replicates in tables of any size, before `cli ingest tables` reads what is left.

`means` says what is done to the rows, once, through narwhals; `engines` does it with Polars or with Spark.
"""
