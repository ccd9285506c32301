"""Results are what came out, and every file and table made of it."""
