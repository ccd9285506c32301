"""``python -m tailrace``: the same as the ``tailrace`` command."""

from tailrace.cli import main

if __name__ == "__main__":
    main()
