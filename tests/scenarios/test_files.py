"""Files that the user named: what they hold, and what is said of one that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.files import bytes_of, text_of


def test_what_a_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfgr\xc3\xbc\xc3\x9f\r\n")
    assert bytes_of(str(path), "it") == b"\xef\xbb\xbfgr\xc3\xbc\xc3\x9f\r\n"
    assert text_of(str(path), "it") == "grüß\n"
    assert text_of(str(path), "it", encoding="utf-8") == "\ufeffgrüß\n"


@pytest.mark.parametrize("read", [bytes_of, text_of])
def test_a_file_that_is_not_there(tmp_path: Path, read: Callable[..., object]) -> None:
    with pytest.raises(UsageError) as caught:
        read(str(tmp_path / "none"), "--x file 'none'", "; name another")
    assert str(caught.value) == (
        "--x file 'none' cannot be read: No such file or directory; name another"
    )


def test_a_text_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"^it is not UTF-8 text$"):
        text_of(str(path), "it", "; name another")
