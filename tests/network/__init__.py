"""Tests over a network that is slow, narrow or broken."""
