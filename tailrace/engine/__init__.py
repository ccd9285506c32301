"""The engine makes load and measures it."""
