"""The commands of ``tailrace`` and the options of ``run``: one file an area; see ``cli.py``."""
