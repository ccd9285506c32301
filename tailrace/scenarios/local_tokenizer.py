"""A local tokenizer: counts tokens by a ``tokenizer.json``, as Hugging Face models bring one.

Reads a file, and needs the library ``tokenizers`` (extra ``data``), imported when one is named.
Special tokens are not counted: what a server's template adds is its own.
"""

from __future__ import annotations

from collections.abc import Callable

from tailrace.errors import UsageError

OPTION = "--tokenizer"


def token_counter(path: str) -> Callable[[str], int]:
    """How many tokens a text has; raises UsageError when the file is no tokenizer."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise UsageError(
            f"{OPTION} needs the package tokenizers; install it with: pip install 'tailrace[data]'"
        ) from None
    try:
        with open(path, "rb") as file:
            data = file.read()
        tokenizer = Tokenizer.from_str(data.decode("utf-8"))
    except OSError as exc:
        raise UsageError(f"{OPTION} file {path!r} cannot be read: {exc.strerror}") from None
    except Exception as exc:  # the library raises nothing finer
        reason = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
        raise UsageError(
            f"{OPTION} file {path!r} is not a tokenizer.json as the library tokenizers reads it: "
            f"{reason}"
        ) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return count
