"""The explorer, which `cli serve` starts: pages about the graph and its runs in a browser on this machine."""
