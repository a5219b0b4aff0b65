"""The door for assistants: a Model Context Protocol server whose tools ask the graph and its runs."""
