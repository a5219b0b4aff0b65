"""Files to validated tables to the store."""
