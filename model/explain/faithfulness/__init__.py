"""Faithfulness of attention: how much predictions change when edges are removed in the order of a ranking.

`measure` compares rankings through the one interface of `masked_edges`. `message_edges` fulfils it for networks that
attend to genes by messages, `process_edges` for those that do so in a Gaussian process.
"""
