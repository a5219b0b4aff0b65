"""What to measure next: beliefs about pairs, ways to choose among them, and plates. It reads no run and no graph."""
