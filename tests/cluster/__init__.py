"""Runs on a real Ray cluster: two nodes on this machine."""
