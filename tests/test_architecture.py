"""The house rules that a machine can check, read from the source by ``ast``; nothing is imported.

Rule: each checker is a function from parsed files to a list of sentences, each naming a file, a
line and the rule; the tests at the end hold the checkers themselves against small bad examples.
Why: a rule that lives only in a document is broken by the first hurried change.
"""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property, lru_cache
from pathlib import Path

import pytest

from .layout import ARROWS, DECLARED_PARTS, IO, PURE

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "tailrace"

IMPURE_MODULES = frozenset(
    {"anyio", "asyncio", "glob", "multiprocessing", "os", "pathlib", "resource", "secrets"}
    | {
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
    }
    | {"time"}
)
CLOCK_CALLS = frozenset({"now", "today", "utcnow"})

# Libraries that only some files know.
SEAMS: dict[str, tuple[str, ...]] = {
    "hdrh": ("results/hist.py",),
    "httptools": ("engine/wire*.py", "simulate/connection.py"),
    "duckdb": ("results/query.py",),
    "ray": (
        "engine/ray_actor.py",
        "engine/ray_fleet.py",
        "engine/ray_calibrate.py",
        "engine/ray_line.py",
    ),
    "mlflow": ("engine/mlflow_sender.py",),
    "opentelemetry": ("engine/otlp_protobuf.py",),
    "prometheus_client": ("engine/exposition.py", "results/export/openmetrics.py"),
    "pynvml": ("engine/gpus.py",),
    "click": ("cli.py", "commands/*.py"),
    "rich": ("results/render/*.py", "display.py", "cli.py", "commands/*.py"),
}
MAY_EXIT = (
    *("cli.py", "commands/*.py", "__main__.py", "demo.py", "engine/worker_process.py"),
    *("engine/guard.py", "engine/scraper.py", "simulate/*.py", "adapter_host/__main__.py"),
    "metrics_endpoint/__main__.py",
)

FILE_LINES, FUNCTION_LINES, TEST_FILE_LINES = 400, 40, 600

# In two halves each, so that this file does not name them.
HOSTS = ("pypi" + ".org", "python" + "hosted", "npm" + "js.", "deb." + "debian", "crates" + ".io")
MACHINE_PATHS = ("/ro" + "ot/", "/wo" + "rk/", "/tmp/" + "bash_jobs")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its path below the package, its text, and what the parser saw."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def module(self) -> str:
        return ".".join([PACKAGE, *self.path.removesuffix(".py").split("/")]).removesuffix(
            ".__init__"
        )

    @property
    def part(self) -> str:
        """The name below the package that the arrows speak of."""
        return self.path.split("/")[0].removesuffix(".py")


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def is_pure(path: str) -> bool:
    return matches(path, PURE) and not matches(path, IO)


@lru_cache
def sources() -> tuple[Source, ...]:
    folder = ROOT / PACKAGE
    paths = sorted(folder.rglob("*.py"))
    return tuple(
        Source(path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8"))
        for path in paths
    )


def imports(source: Source) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield line, module and names of every import, lazy ones and those for types included."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield node.lineno, absolute(source, node), names
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield node.lineno, first.value, ()


def absolute(source: Source, node: ast.ImportFrom) -> str:
    """Return the module that a ``from`` names, with its leading dots resolved."""
    if not node.level:
        return node.module or ""
    is_package = source.path.endswith("__init__.py")
    base = source.module.split(".")
    base = base[: len(base) - node.level + is_package]
    return ".".join([*base, *([node.module] if node.module else [])])


def called(node: ast.Call) -> str:
    """Return the last name of what is called: ``b`` for ``a.b()``."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def targets(source: Source, known: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Yield line and module of each import inside the package, as fine as the files are."""
    for line, module, names in imports(source):
        if module.split(".")[0] != PACKAGE:
            continue
        if not names:
            yield line, module
        for name in names:
            if module == PACKAGE and name == "__version__":
                continue
            full = f"{module}.{name}"
            yield line, full if full in known or module == PACKAGE else module


def modules_of(files: tuple[Source, ...]) -> frozenset[str]:
    return frozenset(source.module for source in files)


def arrow_problems(files: tuple[Source, ...]) -> Iterator[str]:
    known = modules_of(files)
    for source in files:
        allowed = ARROWS.get(source.part)
        if allowed is None:
            yield f"{source.path}: not in ARROWS; say what {source.part} may import"
            continue
        for line, module in targets(source, known):
            part = module.split(".")[1] if "." in module else "__init__"
            if part != source.part and part not in allowed:
                allow = ", ".join(sorted(allowed)) or "nothing else of the package"
                yield (
                    f"{source.path}:{line}: imports {module}; {source.part} may import only {allow}"
                )


def cycle_problems(files: tuple[Source, ...]) -> Iterator[str]:
    known = modules_of(files)
    graph = {
        source.module: sorted({name for _, name in targets(source, known)} & known)
        for source in files
    }
    done: set[str] = set()

    def visit(module: str, road: tuple[str, ...]) -> Iterator[str]:
        if module in road:
            yield "import cycle: " + " -> ".join([*road[road.index(module) :], module])
        elif module not in done:
            for target in graph[module]:
                yield from visit(target, (*road, module))
            done.add(module)

    for module in sorted(graph):
        yield from visit(module, ())


def purity_problems(source: Source) -> Iterator[str]:
    for line, module, names in imports(source):
        root = module.split(".")[0]
        if root in IMPURE_MODULES or (root == "random" and names != ("Random",)):
            hint = " (only `from random import Random`, seeded)" if root == "random" else ""
            yield f"{source.path}:{line}: a pure file imports {module}{hint}"
    waits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    for node in ast.walk(source.tree):
        if isinstance(node, waits) or (isinstance(node, ast.comprehension) and node.is_async):
            line = getattr(node, "lineno", 0)
            yield f"{source.path}:{line}: a pure file uses async or await"
        elif isinstance(node, ast.Call):
            name, where = called(node), f"{source.path}:{node.lineno}"
            if name == "open" and isinstance(node.func, ast.Name):
                yield f"{where}: a pure file calls open()"
            elif name in CLOCK_CALLS and isinstance(node.func, ast.Attribute):
                yield f"{where}: a pure file reads the clock by {name}()"
            elif name == "Random" and not node.args and not node.keywords:
                yield f"{where}: Random() without a seed"


def leak_problems(files: tuple[Source, ...]) -> Iterator[str]:
    """A pure file that imports one with I/O would be pure in name only."""
    known = {source.module: source for source in files}
    for source in files:
        if not is_pure(source.path) or source.path.endswith("__init__.py"):
            continue
        for line, module in targets(source, frozenset(known)):
            target = known.get(module)
            if target and not is_pure(target.path) and target.part in DECLARED_PARTS:
                yield f"{source.path}:{line}: a pure file imports {module}, which does I/O"


def declaration_problems(files: tuple[Source, ...]) -> Iterator[str]:
    for source in files:
        if source.part in DECLARED_PARTS and not matches(source.path, PURE + IO):
            yield f"{source.path}: declare it in PURE or IO"


def functions(tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    """Count the lines from ``def`` to the end, the docstring left out."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def size_problems(source: Source, limit: int = FILE_LINES) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > limit:
        yield f"{source.path}: {lines} lines, more than {limit}"
    for function in functions(source.tree) if limit == FILE_LINES else ():
        if length(function) > FUNCTION_LINES:
            yield (
                f"{source.path}:{function.lineno}: {function.name} has {length(function)} lines, "
                f"more than {FUNCTION_LINES}"
            )


def seam_problems(source: Source) -> Iterator[str]:
    for line, module, _ in imports(source):
        homes = SEAMS.get(module.split(".")[0])
        if homes and not matches(source.path, homes):
            yield f"{source.path}:{line}: imports {module}, which only {', '.join(homes)} may"


def exit_problems(source: Source) -> Iterator[str]:
    if matches(source.path, MAY_EXIT):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.exit", "os._exit"):
            yield f"{source.path}:{node.lineno}: ends the process; raise an error of errors.py"
    for line, module, names in imports(source):
        if (module == "sys" and "exit" in names) or (module == "os" and "_exit" in names):
            yield f"{source.path}:{line}: imports exit; raise an error of errors.py"


def docstring_problems(source: Source) -> Iterator[str]:
    if not ast.get_docstring(source.tree):
        yield f"{source.path}:1: the file opens without a docstring (what, rule, why)"
    yield from _undocumented(source, source.tree)


def _undocumented(source: Source, scope: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in scope.body:
        if not isinstance(node, ast.ClassDef | Function) or node.name.startswith("_"):
            continue
        marks = {ast.unparse(mark).split(".")[-1] for mark in node.decorator_list}
        if not ast.get_docstring(node) and not marks & {"overload", "setter", "deleter"}:
            yield f"{source.path}:{node.lineno}: {node.name} is public and has no docstring"
        if isinstance(node, ast.ClassDef):
            yield from _undocumented(source, node)


def needle_problems(path: str, text: str) -> Iterator[str]:
    for number, line in enumerate(text.split("\n"), 1):
        for needle in HOSTS + MACHINE_PATHS:
            if needle in line:
                yield f"{path}:{number}: names {needle}"


def repository_files() -> list[str]:
    """List what git holds or would hold; without git (a source archive) the known folders."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        return [name for name in done.stdout.decode("utf-8").split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        folders = (ROOT / name for name in (PACKAGE, "tests", "docs"))
        files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return [path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".pyc"]


def report(problems: Iterator[str]) -> None:
    found = list(problems)
    if found:
        pytest.fail(f"{len(found)} broken:\n" + "\n".join(found), pytrace=False)


def test_arrows_point_the_allowed_way() -> None:
    report(arrow_problems(sources()))


def test_there_are_no_import_cycles() -> None:
    report(cycle_problems(sources()))


def test_pure_files_are_pure() -> None:
    pure = (source for source in sources() if is_pure(source.path))
    report(problem for source in pure for problem in purity_problems(source))


def test_pure_files_import_no_file_with_io() -> None:
    report(leak_problems(sources()))


def test_every_file_is_declared_pure_or_io() -> None:
    report(declaration_problems(sources()))


def test_files_and_functions_stay_small() -> None:
    report(problem for source in sources() for problem in size_problems(source))


def test_test_files_stay_readable() -> None:
    tests = [
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "tests").rglob("*.py"))
    ]
    report(problem for test in tests for problem in size_problems(test, TEST_FILE_LINES))


def test_libraries_stay_behind_their_seams() -> None:
    report(problem for source in sources() for problem in seam_problems(source))


def test_only_the_rim_ends_the_process() -> None:
    report(problem for source in sources() for problem in exit_problems(source))


def test_what_is_public_has_a_docstring() -> None:
    report(problem for source in sources() for problem in docstring_problems(source))


def test_no_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    texts = (
        (name, (ROOT / name).read_bytes().decode("utf-8", "replace"))
        for name in repository_files()
        if (ROOT / name).is_file()
    )
    report(problem for name, text in texts for problem in needle_problems(name, text))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("engine/x.py", "import tailrace.cli"),
        ("engine/x.py", "def f():\n    from tailrace.simulate import server"),
        ("engine/x.py", "from importlib import import_module\nimport_module('tailrace.demo')"),
        ("scenarios/x.py", "from tailrace import results"),
        ("scenarios/x.py", "from ..engine import sse"),
        ("results/x.py", "if TYPE_CHECKING:\n    from tailrace.engine.sse import Event"),
        ("simulate/x.py", "from tailrace.errors import UsageError"),
        ("errors.py", "import tailrace.results.hist"),
        ("alarm.py", "from tailrace.errors import UsageError"),
        ("results/x.py", "from tailrace.alarm import Alarm"),
        ("commands/x.py", "import tailrace.cli"),
        ("surprise.py", ""),
    ],
)
def test_the_arrow_checker_sees(path: str, text: str) -> None:
    assert list(arrow_problems((Source(path, text),)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cli.py", "from tailrace.engine import fleet\nimport tailrace.commands.run"),
        ("commands/x.py", "from tailrace.engine import fleet\nimport tailrace.runner"),
        ("engine/x.py", "from tailrace import __version__\nfrom tailrace.results import hist"),
        ("results/render/x.py", "from . import table\nfrom ..hist import Hist"),
        ("simulate/x.py", "import tailrace.simulate.script\nfrom tailrace.alarm import Alarm"),
    ],
)
def test_the_arrow_checker_allows(path: str, text: str) -> None:
    assert not list(arrow_problems((Source(path, text),)))


def test_the_cycle_checker_sees_a_lazy_import() -> None:
    files = (
        Source("engine/a.py", "from tailrace.engine import b"),
        Source("engine/b.py", "def f():\n    from .c import g"),
        Source("engine/c.py", "import tailrace.engine.a"),
    )
    (problem,) = cycle_problems(files)
    assert problem.count("->") == 3
    assert not list(cycle_problems(files[:2]))


@pytest.mark.parametrize(
    "text",
    [
        "import time",
        "import os.path",
        "from asyncio import sleep",
        "import random",
        "from random import choice",
        "from random import Random\nRandom()",
        "def f():\n    import socket",
        "async def f():\n    pass",
        "x = open('y')",
        "from datetime import datetime\ndatetime.now()",
    ],
)
def test_the_purity_checker_sees(text: str) -> None:
    assert list(purity_problems(Source("engine/sse.py", text)))


def test_the_purity_checker_allows_seeded_dice() -> None:
    text = "from random import Random\nx = Random(7).random()"
    assert not list(purity_problems(Source("engine/sse.py", text)))


def test_the_leak_checker_sees_a_borrowed_clock() -> None:
    clock = Source("engine/clock.py", "import time")
    sse = Source("engine/sse.py", "def f():\n    from tailrace.engine.clock import now_ns")
    assert len(list(leak_problems((clock, sse)))) == 1


def test_the_leak_checker_sees_an_alarm() -> None:
    alarm = Source("alarm.py", "import os")
    sse = Source("engine/sse.py", "from tailrace.alarm import make_alarm")
    assert len(list(leak_problems((alarm, sse)))) == 1


def test_pure_and_io_are_told_apart() -> None:
    assert is_pure("results/render/html.py")
    assert not is_pure("results/files.py")
    assert is_pure("simulate/__init__.py")
    assert list(declaration_problems((Source("engine/novelty.py", ""),)))


def test_the_size_checker_leaves_the_docstring_out() -> None:
    body = "    x = 1\n" * (FUNCTION_LINES - 1)
    doc = '    """One.\n\n    Two.\n    """\n'
    assert not list(size_problems(Source("x.py", f"def f():\n{doc}{body}")))
    assert list(size_problems(Source("x.py", f"def f():\n{doc}{body}    y = 2\n")))
    assert list(size_problems(Source("x.py", "\n" * (FILE_LINES + 1))))


@pytest.mark.parametrize("library", sorted(SEAMS))
def test_the_seam_checker_sees(library: str) -> None:
    assert list(seam_problems(Source("engine/sse.py", f"def f():\n    import {library}.x")))


@pytest.mark.parametrize("text", ["sys.exit(1)", "os._exit(0)", "from sys import exit"])
def test_the_exit_checker_sees(text: str) -> None:
    assert list(exit_problems(Source("engine/x.py", text)))
    assert not list(exit_problems(Source("demo.py", text)))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x = 1", 1),
        ('"""a."""\ndef f(): ...', 1),
        ('"""a."""\nclass C:\n    """b."""\n    def m(self): ...', 1),
        ('"""a."""\ndef _f(): ...\nclass _C:\n    def m(self): ...', 0),
        ('"""a."""\ndef f():\n    """b."""\n    def inner(): ...', 0),
    ],
)
def test_the_docstring_checker_sees(text: str, count: int) -> None:
    assert len(list(docstring_problems(Source("x.py", text)))) == count


@pytest.mark.parametrize("needle", HOSTS + MACHINE_PATHS)
def test_the_needle_checker_sees(needle: str) -> None:
    assert list(needle_problems("x", f"first\nthen {needle}x"))
