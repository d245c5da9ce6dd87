"""Measurements, each a command. None of them is a test: a slow machine breaks no promise."""
