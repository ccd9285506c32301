"""Files that the user named: what they hold, and what is said of one that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tailrace.errors import UsageError
from tailrace.scenarios.files import read_bytes, read_text


def test_what_a_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfgr\xc3\xbc\xc3\x9f\r\n")
    assert read_bytes(str(path), "it") == b"\xef\xbb\xbfgr\xc3\xbc\xc3\x9f\r\n"
    assert read_text(str(path), "it", encoding="utf-8-sig") == "grüß\n"
    assert read_text(str(path), "it") == "grüß\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_the_utf_16_of_powershell_is_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "key.txt"
    mark = "" if encoding == "utf-16" else "\ufeff"
    path.write_bytes(f"{mark}k-123\r\n".encode(encoding))
    assert read_text(str(path), "it") == "k-123\n"


@pytest.mark.parametrize("read", [read_bytes, read_text])
def test_a_file_that_is_not_there(tmp_path: Path, read: Callable[..., object]) -> None:
    path = str(tmp_path / "none")
    with pytest.raises(UsageError) as caught:
        read(path, "--x file", mend="; name another")
    assert str(caught.value) == (
        f"--x file {path!r} cannot be read: No such file or directory; name another"
    )


def test_a_text_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"^it '.+' is not UTF-8 text$"):
        read_text(str(path), "it", mend="; name another")
