"""Files and answers that are made to harm whoever reads them: they end in a sentence, quickly."""

from __future__ import annotations

import ast
import gzip
import io
import time
import tracemalloc
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import anyio
import httpx
import numpy as np
import pytest

from tailrace.engine.bounded import told
from tailrace.errors import ResultError, UsageError
from tailrace.plugins import plugin
from tailrace.results import baseline_files
from tailrace.results.baseline_files import unpacked
from tailrace.scenarios.located import located
from tailrace.scenarios.rubric import rubric_from

from ..threaded import serving
from .inside import Inside

PACKAGE = Path(__file__).parents[2] / "tailrace"
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
DEEP, DEEPER = "[" * 600 + "]" * 600, "[" * 5_000


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("m.yaml", LAUGHS, "stands for more than 50000 values"),
        ("m.yaml", DEEP, "nested too deeply"),
        ("m.yaml", DEEPER, "nested too deeply"),
        ("m.json", DEEP, "nested too deeply"),
        ("m.json", DEEPER, "is not JSON"),
        ("m.json", '{"a":' * 600 + "1" + "}" * 600, "nested too deeply"),
        ("m.toml", f"x = {DEEP}", "nested too deeply"),
        ("m.toml", f"x = {'9' * 5000}", "is not TOML"),
        ("m.yaml", f"x: {'9' * 5000}", "is not YAML"),
        ("m.json", f'{{"x": {"9" * 5000}}}', "is not JSON"),
        ("m.yaml", "x: !!python/object/apply:os.system ['true']", "line 1 is not YAML"),
        ("m.yaml", "x: !!python/name:os.system ''", "line 1 is not YAML"),
    ],
)
def test_a_file_that_is_a_bomb_is_refused(name: str, text: str, words: str) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError, match=words):
        located(text, name)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("option", ["--models-file", "--config"])
def test_the_command_says_so_in_a_sentence(inside: Inside, tmp_path: Path, option: str) -> None:
    (tmp_path / "x.yaml").write_text(LAUGHS, encoding="utf-8")
    code, printed = inside("run", option, "x.yaml", "--url", "http://127.0.0.1:9", "-m", "m")
    assert code == 2
    assert "x.yaml stands for more than 50000 values" in printed


def npz(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return out.getvalue()


def npy(array: object) -> bytes:
    out = io.BytesIO()
    np.save(out, np.asarray(array), allow_pickle=True)
    return out.getvalue()


def test_a_baseline_runs_no_pickle() -> None:
    class Strikes:
        def __reduce__(self) -> object:
            return (pytest.fail, ("a pickle was loaded",))

    data = npz({"loads": npy([Strikes()])})
    with pytest.raises(ResultError, match="does not hold a baseline's figures"):
        unpacked(data, "it")


def test_a_baseline_that_is_a_zip_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline_files, "MOST_BYTES", 1_000_000)
    data = npz({"loads": npy(np.zeros(30_000_000, dtype=np.int8))})
    assert len(data) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(ResultError, match="would take"):
            unpacked(data, "it")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_an_array_that_claims_to_be_huge_is_refused() -> None:
    head = npy(np.zeros(1, dtype=np.int64))
    claims = head.replace(b"(1,)", b"(10000000000000,)".ljust(4))
    at = claims.index(b"{")
    length = len(claims) - at - 8
    claims = claims[: at - 2] + length.to_bytes(2, "little") + claims[at:]
    with pytest.raises(ResultError, match="does not hold a baseline's figures"):
        unpacked(npz({"loads": claims}), "it")


class _Packed(BaseHTTPRequestHandler):
    """60 MB of nothing in 60 kB, though nothing packed is asked for."""

    body = gzip.compress(bytes(60_000_000))
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.headers["accept-encoding"])
        self.send_response(200)
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)


def test_an_answer_that_unpacks_to_much_is_given_up() -> None:
    asked: list[str] = []

    async def ask(url: str) -> None:
        async with httpx.AsyncClient() as client:
            await told(client, "GET", url)

    wrong = pytest.raises(httpx.RemoteProtocolError, match="longer than 8000000 bytes")
    with serving(type("Packed", (_Packed,), {"asked": asked})) as url, wrong:
        anyio.run(ask, url)
    assert asked == ["identity"]


def test_a_rubric_that_is_too_deep() -> None:
    with pytest.raises(UsageError, match="nested too deeply"):
        rubric_from("[" * 100_000, "'r.json'")


def test_only_what_a_package_declares_is_imported() -> None:
    with pytest.raises(KeyError):
        plugin("tailrace.datasets", "os:system")


FORBIDDEN = {"pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "cloudpickle"}
CALLS = {"eval", "exec", "compile", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"}


def test_nothing_in_the_package_unpickles_evaluates_or_asks_a_shell() -> None:
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                found += [where for each in node.names if each.name.split(".")[0] in FORBIDDEN]
            elif isinstance(node, ast.ImportFrom):
                found += [where] * ((node.module or "").split(".")[0] in FORBIDDEN)
            elif isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                told = {each.arg: ast.unparse(each.value) for each in node.keywords}
                found += [where] * (name in CALLS or told.get("shell", "False") != "False")
                found += [where] * (name == "np.load" and told.get("allow_pickle") != "False")
    assert found == []


def test_a_broken_archive_is_a_sentence() -> None:
    data = bytearray(npz({"loads": npy(["a"]), "0/failed": npy([1.0] * 1000)}))
    data[60:90] = bytes(30)
    for wrong in (bytes(data), b"PK", b"", zlib.compress(b"x")):
        with pytest.raises(ResultError, match="does not hold a baseline's figures"):
            unpacked(wrong, "it")
