"""Fuzzing of tailrace: laws that hold for any bytes, and who drives them. See README.md."""
