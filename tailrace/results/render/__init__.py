"""Rendering: pure functions from result documents to text."""
