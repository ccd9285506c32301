"""The errors a user can cause or meet, each with the exit code that the process ends with.

Rule: a message is one sentence that names the file, field or URL and says how to mend it. The
CLI prints it and exits; nothing else in the package calls ``sys.exit``. This file imports nothing,
so every part of the house may raise from it.
"""

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_SLO_MISSED = 10
EXIT_DIFFERS = 10
"""Two runs were compared and are not the same: what was asked for does not hold, as with an SLO."""
EXIT_INVALID = 11
EXIT_ABORTED = 12
EXIT_SIGNAL = 130
EXIT_PIPE = 141
"""As shells tell of a program whose output is no longer read: 128 and SIGPIPE."""


class TailraceError(Exception):
    """Base of every error that ends a run with one sentence instead of a traceback."""

    exit_code: int = EXIT_USAGE


class UsageError(TailraceError):
    """The command line, a file or this machine's limits do not allow the run; nothing was sent."""

    exit_code = EXIT_USAGE


class TargetError(TailraceError):
    """The target cannot be used: not reached, refused, or it answered with something else.

    ``error_class`` is the short name that is kept in the model's row (``connect_refused``, …).
    """

    exit_code = EXIT_UNREACHABLE

    def __init__(self, message: str, error_class: str) -> None:
        super().__init__(message)
        self.error_class = error_class


class ResultError(TailraceError):
    """A result folder or one of its files cannot be read as what it should be."""

    exit_code = EXIT_USAGE
