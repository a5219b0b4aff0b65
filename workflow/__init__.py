"""Commands that need all packages: the demo of the whole loop, and the doctor, which checks the installation."""
