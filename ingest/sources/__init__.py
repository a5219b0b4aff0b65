"""One module a source: it reads files and yields validated tables."""
