"""Options of networks and training, with their YAML files, and the words that a user may choose from.

The package imports nothing itself, so that commands can read `choices` without loading pydantic. `Config` and
`load_preset` are in `presets.config`.
"""
