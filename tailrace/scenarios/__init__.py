"""Scenarios say what to run."""
