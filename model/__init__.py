"""A heterograph in, a trained run out. The packages import one way, from `commands` at the top down to `presets`."""
