"""A drug-response knowledge graph whose attention you can query."""
