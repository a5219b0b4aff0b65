"""Fits dose–response curves to measured points: reads points, fits all curves at once, and says what cannot be told."""
