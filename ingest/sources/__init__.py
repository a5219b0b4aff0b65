"""The sources, one module each; a source reads files into a `Bundle` of tables."""
