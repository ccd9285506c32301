"""Dialects: how each kind of server is asked, and how its events are read."""
