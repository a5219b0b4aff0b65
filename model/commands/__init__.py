"""The commands on models: each parses, calls one function of the library and prints.

Modules are imported when a command runs, so `cli --help` loads neither torch nor pandas.
"""
