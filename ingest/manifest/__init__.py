"""What ``manifest.yaml`` in a folder says: which file holds what, under which names of columns, and in which units.

`document` reads YAML with the line of each word, `entries` says what a manifest may hold, and `files` makes shapes of
it that `ingest.shapes.read_screen` reads. `guess` and `write` make a manifest of the files of a folder.
"""
