"""Reads tables that people bring: how they are packed, their encoding, separator, quotes, header and numbers.

Every table that the program opens goes through this package, so that each rule is in one place. `unpacking`, `text` and
`lines` make lines of a file, `columnar` and `workbook` texts of cells that have types, `records` makes rows of both, by
what `rows` takes for one, `plain` reads a large plain table at once, `header` finds columns, `numbers` reads
values, `table` holds a whole small table, and `gmt` reads gene sets, which have no header.
"""
