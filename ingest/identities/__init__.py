"""Tells which drug, cell line or gene a name of a table means, beyond its spelling; what it cannot tell, it names.

`gene_dates` and `genes` are for genes, `cell_lines` for cell lines, `drugs` and `parents` for compounds. They work on
what `ingest.shapes` has read, and open no store.
"""
