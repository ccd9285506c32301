"""Mutation testing of one file: does any test notice when a line of it is changed?

    make mutate FILE=tailrace/engine/sse.py
    python fuzz/mutate.py tailrace/engine/sse.py --tests tests/engine/test_sse.py

mutmut changes the file in every way that it knows, and runs the tests of that file against each
change: tests/…/test_NAME.py, the laws about it, and golden texts. Survivors are printed as diffs.
It works on a copy under ``build/mutate``, in one process. The exit code is 1 where more than a
tenth survives.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("tailrace", "tests", "fuzz", "docs", "pyproject.toml")
KILLED, SURVIVED = ("killed", "timeout", "segfault"), ("survived", "no tests")
MOST_SURVIVING = 0.1
SPOKEN = [f"engine/test_dialect_{what}.py" for what in ("bodies", "reads", "replay")]
LAWS = {
    "engine/sse": ["laws/test_sse_laws.py"],
    "engine/arrivals": ["laws/test_arrival_laws.py"],
    "engine/ndjson": ["laws/test_ndjson_laws.py"],
    "engine/exchange": [
        *("engine/test_wire_pure.py", "engine/test_outgoing.py", "laws/test_wire_laws.py")
    ],
    "engine/otlp_protobuf": ["engine/test_otlp_sender.py"],
    "engine/dialects/anthropic_messages": SPOKEN,
    "engine/dialects/choice": ["engine/test_dialect_choice.py"],
    "engine/dialects/contents": ["engine/test_dialect_contents.py"],
    "engine/dialects/llamacpp_completion": SPOKEN,
    "engine/dialects/ollama": SPOKEN,
    "engine/dialects/openai_chat": [
        *("engine/test_openai_chat.py", "engine/test_openai_whole.py"),
        *("engine/test_dialect_bodies.py", "laws/test_dialect_laws.py"),
    ],
    "engine/dialects/openai_completions": SPOKEN,
    "engine/dialects/openai_embeddings": ["engine/test_openai_embeddings.py"],
    "engine/dialects/openai_models": ["engine/test_model_names.py"],
    "engine/dialects/openai_responses": SPOKEN,
    "engine/dialects/tool_calls": ["engine/test_tool_calls.py"],
    "scenarios/urls": ["scenarios/test_parse.py"],
    "results/audit": ["results/test_audit_pulse_texts.py"],
    "results/audit_stage": ["results/test_audit_asking.py", "results/test_audit_texts.py"],
    "results/result": ["results/test_result_document.py"],
    "results/selection": ["results/render/test_selection.py"],
    "results/audit_reads": ["results/test_audit_texts.py"],
    "results/decoding": ["results/test_audit_texts.py", "results/test_tally.py"],
    "results/metrics": ["results/test_result_document.py"],
    "results/session_facts": ["results/test_session_tally.py"],
    "scenarios/models_file": ["scenarios/test_adapters.py"],
    "scenarios/scenario_text": ["scenarios/test_scenario_schema.py"],
    "scenarios/data": ["scenarios/test_data_source.py"],
    "engine/fleet_choice": ["engine/test_ray_parts.py"],
    "results/coalesced": ["results/test_blur.py"],
    "scenarios/sharegpt": ["scenarios/test_records.py"],
    "simulate/shapes_typed": ["simulate/test_shapes.py"],
    "simulate/told": ["simulate/test_shapes.py"],
    "results/export/flat": ["results/export/test_forms.py"],
    "results/export/hgrm": ["results/export/test_forms.py"],
    "results/export/otlp": ["results/export/test_forms.py", "engine/test_otlp_sender.py"],
    "results/export/requests_csv": ["results/export/test_forms.py"],
    "results/render/chart": ["results/render/test_charts.py"],
    "results/render/charts_over_time": ["results/render/test_charts.py"],
    "results/render/charts_requests": ["results/render/test_charts.py"],
    "results/render/columns": ["results/render/test_table.py", "results/render/test_terminal.py"],
    "results/render/reach": ["results/render/test_terminal.py"],
    "results/render/sections": ["results/render/test_selection.py"],
    "results/render/server_charts": ["results/render/test_server.py"],
    "results/render/terminal": ["results/render/test_calibration.py"],
    "results/render/sheet": ["results/render/test_sheet_text.py", "results/render/test_server.py"],
    "results/render/sheets": ["results/render/test_markdown.py"],
}
"""Tests that are about a file and not named like it."""
GOLDEN = {
    "results/export": ["results/export/test_golden.py"],
    "results/render": ["results/render/test_golden.py", "results/render/test_golden_made.py"],
}
"""Whole texts, in which most of what a folder writes is read."""
SHOW = (
    "import sys; from mutmut.__main__ import show; [show.callback(name) for name in sys.argv[1:]]"
)
"""All survivors at once: to start mutmut for each takes longer than to run the tests."""

_CACHES = re.compile(r"^@(cache|lru_cache)\n", re.MULTILINE)


def tests_of(file: str) -> list[str]:
    """The tests that mirror a file's place, its laws, and the golden texts of its folder."""
    name = re.sub(r"^tailrace/|\.py$", "", file)
    folder, _, stem = name.rpartition("/")
    mirrored = [f"{folder}/test_{stem}.py"] if folder else [f"test_{stem}.py"]
    others = (*LAWS.get(name, ()), *GOLDEN.get(folder, ()))
    wanted = [f"tests/{path}" for path in (*mirrored, *others)]
    return [path for path in wanted if (ROOT / path).exists()]


def settings(file: str, tests: list[str]) -> str:
    """mutmut's table of pyproject.toml."""
    table = {
        "source_paths": ["tailrace"],
        "only_mutate": [file],
        "also_copy": ["fuzz", "docs"],
        "pytest_add_cli_args": ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"],
        "pytest_add_cli_args_test_selection": tests,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n[tool.mutmut]\n" + "\n".join(lines) + "\n"


def copied(file: str, tests: list[str]) -> Path:
    """The repository's copy that mutmut works on."""
    place = ROOT / "build" / "mutate" / Path(file).stem
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, place / name)
    mutated = place / file  # mutmut passes by every function that has a decorator
    mutated.write_text(_CACHES.sub("", mutated.read_text(encoding="utf-8")), encoding="utf-8")
    with (place / "pyproject.toml").open("a", encoding="utf-8") as out:
        out.write(settings(file, tests))
    return place


def mutmut(place: Path, *arguments: str, program: tuple[str, str] = ("-m", "mutmut")) -> str:
    """Its output."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "CI")}
    done = subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=place, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"mutmut failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", help="relative to the repository, as tailrace/engine/sse.py")
    parser.add_argument("--tests", nargs="+", help="in place of the tests of that name")
    args = parser.parse_args()
    tests = args.tests or tests_of(args.file)
    if not (ROOT / args.file).is_file() or not tests:
        sys.exit(f"{args.file!r} is no file with tests of its own; name them with --tests")
    place = copied(args.file, tests)
    mutmut(place, "run", "--max-children", "1")
    found = re.findall(r"^\s*(\S+): (.+)$", mutmut(place, "results", "--all", "true"), re.MULTILINE)
    return report(place, args.file, found)


def report(place: Path, file: str, found: list[tuple[str, str]]) -> int:
    """Print the books and the survivors."""
    killed = sum(status in KILLED for _, status in found)
    alive = [name for name, status in found if status in SURVIVED]
    print(mutmut(place, *alive, program=("-c", SHOW)))
    other = len(found) - killed - len(alive)
    print(f"{file}: {len(found)} mutants, {killed} killed, {len(alive)} survived, {other} other")
    return 1 if len(alive) > MOST_SURVIVING * max(1, killed + len(alive)) else 0


if __name__ == "__main__":
    sys.exit(main())
