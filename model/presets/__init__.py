"""Options of networks and training with their YAML files, and the words that a user may choose from.

It imports nothing itself, so the commands can read `choices` without loading pydantic: take `Config` and `load_preset`
from `presets.config`.
"""
