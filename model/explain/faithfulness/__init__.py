"""Whether predictions use what attention says: edges go, or stay, in the order of a ranking, and predictions change.

`measure` compares rankings with random ones; `message_edges` and `process_edges` are the two kinds of edges.
"""
