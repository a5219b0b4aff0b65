"""Named Cypher queries, their catalogue, and the command that runs them."""
