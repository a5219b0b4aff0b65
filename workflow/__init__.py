"""What spans the packages: the demo of the whole loop, and the doctor."""
