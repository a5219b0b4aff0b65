"""Named queries and their loader."""
