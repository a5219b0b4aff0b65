"""A heterograph in, a trained run out."""
