"""Keys go to the server and nowhere else: not to a file, an output, a message, or a command line.

Every secret of these tests contains ``CANARY``. It is looked for in all that a command leaves.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tailrace.cli import cli
from tailrace.errors import UsageError

from ..command import MEASURED, clean_env, start_tailrace, tailrace
from ..proxy_server import ConnectProxy, proxying
from .echo_server import echoing
from .inside import Inside

CANARY = "canary7f3a"
KEY = f"sk-{CANARY}-0001"
HEADER = f"tok-{CANARY}-0002"
OWN = f'own-{CANARY}-"0003\\'
JUDGE = f"jdg-{CANARY}-0004"
PROXY = f"prx-{CANARY}-0005"
ENV = {"OPENAI_API_KEY": KEY, "TEAM_TOKEN": HEADER, "OWN_KEY": OWN, "TAILRACE_JUDGE_API_KEY": JUDGE}
SHORT = ("--warmup", "0s", "-n", "4", "-c", "2")


def require_silence(folder: Path, *outputs: str, but: tuple[str, ...] = ()) -> None:
    """Fail where the canary is in a file of the folder or in an output."""
    told = [text for text in outputs if CANARY in text]
    files = [
        (str(path.relative_to(folder)), path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and path.name not in but
    ]
    forms = [CANARY.encode(), base64.b64encode(f"user:{PROXY}".encode())]
    assert [name for name, data in files if any(form in data for form in forms)] == []
    assert told == []


def command(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    done = tailrace(*arguments, cwd=folder, env=ENV | more.pop("env", {}), **more)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("say", "workers"), [("refuse", "1"), ("later", "2"), ("error", "1"), ("answer", "1")]
)
def test_a_server_that_repeats_keys_gets_them_into_nothing(
    inside: Inside, tmp_path: Path, say: str, workers: str
) -> None:
    header = "x-team-token: ${TEAM_TOKEN}"
    with echoing(say) as (url, seen):
        done = command(
            *(tmp_path, "run", "--url", url, "-m", "sim", *SHORT, "--workers", workers),
            *("--keep-text", "--header", header),
        )
    assert done.returncode in (*MEASURED, 3), done.stderr
    assert all(KEY in heard and HEADER in heard for heard in seen)
    assert seen
    require_silence(tmp_path, done.stdout, done.stderr)
    if say == "refuse":
        assert "(hidden)" in done.stderr
    if say == "answer":
        (run,) = (tmp_path / "runs").iterdir()
        for form in ("markdown", "requests-csv", "otel"):
            _, printed = inside("export", str(run), "--format", form)
            assert "sim" in printed
            require_silence(tmp_path, printed)


def test_a_judge_that_repeats_its_key(tmp_path: Path) -> None:
    with echoing("well") as (url, _), echoing("refuse") as (other, _):
        done = command(
            *(tmp_path, "run", "--url", url, "-m", "sim", "--warmup", "0s", "-n", "1"),
            *("--judge", "J", "--judge-url", other),
        )
    assert "refused judge model" in done.stderr
    require_silence(tmp_path, done.stdout, done.stderr)


def test_check_and_find_limit(tmp_path: Path) -> None:
    with echoing("refuse") as (url, refused_heard):
        checked = command(tmp_path, "check", "--url", url, "-m", "sim")
        listed = command(tmp_path, "run", "--url", url, "-m", "auto", *SHORT)
    with echoing("later") as (url, heard):
        as_json = command(tmp_path, "check", "--url", url, "-m", "nobody", "--json")
        found = command(
            *(tmp_path, "find-limit", "--url", url, "-m", "sim", "--users", "1..2", "-n", "2"),
            *("--warmup", "0s", "--slo", "error_rate<1%"),
        )
    assert all(any(KEY in line for line in lines) for lines in (refused_heard, heard))
    for done in (checked, as_json, listed, found):
        require_silence(tmp_path, done.stdout, done.stderr)


def test_a_models_file_has_secrets_of_its_own(tmp_path: Path) -> None:
    models = {"one": {"model": "sim", "headers": {"X-Api-Key": "${OWN_KEY}"}}}
    (tmp_path / "models.json").write_text(json.dumps(models), encoding="utf-8")
    with echoing("refuse") as (url, seen):
        done = command(
            *(tmp_path, "run", "--url", url, "--models-file", "models.json", *SHORT), env={}
        )
    assert any(OWN in heard for heard in seen)
    assert done.returncode == 3
    require_silence(tmp_path, done.stdout, done.stderr)


def refused(arguments: list[str]) -> str:
    """What the command says to its arguments, in this process."""
    with pytest.raises(UsageError) as caught:
        cli.main(arguments, prog_name="tailrace", standalone_mode=False)
    return str(caught.value)


@pytest.mark.parametrize(
    "models",
    [
        f'{{"one": {{"headers": "Authorization: {KEY}"}}}}',
        f'{{"one": {{"headers": {{"Authorization": ["{KEY}"]}}}}}}',
        f'{{"one": {{"headers": {{"Bad Name": "{KEY}"}}}}}}',
        f'{{"one": {{"headers": {{"Authorization": "{KEY}\\n"}}, "x"',
        f'{{"one": {{"url": "http://user:{KEY}@host/v1"}}}}',
        f'{{"one": {{"serve": ["x", "--api-key", "{KEY}"]}}}}',
        f'{{"one": {{"extra_body": {{"api_key": "{KEY}"}}}}}}',
        f'{{"one": {{"api_key": "{KEY}"}}}}',
    ],
)
def test_a_models_file_that_is_wrong_is_not_quoted(tmp_path: Path, models: str) -> None:
    (tmp_path / "models.json").write_text(models, encoding="utf-8")
    file = str(tmp_path / "models.json")
    assert CANARY not in refused(["run", "--models-file", file, "--url", "http://h"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--header", f"Authorization: Bearer {KEY}"], "others can see on a command line"),
        (["--header", f"X-Goog-Api-Key: {KEY}"], "'X-Goog-Api-Key: ${NAME}', in single quotes"),
        (["--header", f"Cookie: session={KEY}"], "must not hold its secret"),
        (["--header", "Authorization: Bearer ${NOT_SET}"], "needs ${NOT_SET}"),
        (["--header", KEY], "wants 'Name: value'"),
        (["--extra-body", f'{{"auth": {{"api_key": "{KEY}"}}}}'], "looks like a secret (api_key)"),
        (["--extra-body", f'{{"api_key": "{KEY}"'], "--extra-body is not JSON"),
        (["--url", f"http://user:{KEY}@h/v1"], "must not hold a user or password"),
        (["--url", f"http://user:{KEY}@h:port/v1"], "is not a URL like"),
        (["--url", f"http://user:{KEY}@[h/v1"], "is not a URL like"),
        (["--url", f"ftp://h/v1?key={KEY}"], "is not a URL like"),
        (["--url", f"http://h/v1?key={KEY}"], "must not hold a secret (key=…)"),
        (["--url", f"http://h/v1?a={KEY}#x"], "must not have a fragment"),
        (["--proxy", f"http://user:{KEY}@h:1"], "set TAILRACE_PROXY_AUTH"),
        (["--proxy", f"user:{KEY}@h:1"], "--proxy is env, or a URL"),
    ],
)
def test_what_is_typed_wrong_is_not_repeated(arguments: list[str], words: str) -> None:
    where = () if "--url" in arguments else ("--url", "http://127.0.0.1:9")
    said = refused(["run", *where, "-m", "sim", *arguments])
    assert words in said
    assert CANARY not in said


def test_the_key_of_a_file_and_of_standard_input(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    with echoing("refuse") as (url, seen):
        where = ("run", "--url", url, "-m", "sim", *SHORT, "--api-key-file")
        by_file = tailrace(*where, "key", cwd=tmp_path)
        by_input = tailrace(*where, "-", cwd=tmp_path, stdin=f"{KEY}\n")
    assert sum(KEY in heard for heard in seen) == len(seen) > 1
    for done in (by_file, by_input):
        require_silence(tmp_path, done.stdout, done.stderr, but=("key",))


def test_a_proxy_that_repeats_its_password(tmp_path: Path) -> None:
    with echoing("refuse") as (url, seen):
        proxy = url.removesuffix("/v1")
        done = command(
            *(tmp_path, "run", "--url", "http://api.example/v1", "-m", "sim", *SHORT),
            *("--proxy", proxy),
            env={"TAILRACE_PROXY_AUTH": f"user:{PROXY}"},
        )
    sent = base64.b64encode(f"user:{PROXY}".encode()).decode()
    assert any(sent in heard for heard in seen)
    assert sent not in done.stdout + done.stderr
    require_silence(tmp_path, done.stdout, done.stderr)


def test_a_proxy_of_the_environment_that_refuses(tmp_path: Path) -> None:
    with proxying(ConnectProxy("user:other")) as proxy:
        done = command(
            *(tmp_path, "run", "--url", "https://api.example/v1", "-m", "sim", *SHORT),
            *("--proxy", "env"),
            env={"HTTPS_PROXY": proxy.url.replace("//", f"//user:{PROXY}@")},
        )
    assert done.returncode == 3
    assert "407" in done.stderr
    require_silence(tmp_path, done.stdout, done.stderr)


def test_no_process_of_a_run_has_a_key_in_its_command_line(sim_url: str, tmp_path: Path) -> None:
    process = start_tailrace(
        *("run", "--url", sim_url, "-m", "sim", "--warmup", "0s", "-d", "30s", "--workers", "2"),
        *("--header", "x-team-token: ${TEAM_TOKEN}"),
        cwd=tmp_path,
        env=ENV,
    )
    try:
        parent = psutil.Process(process.pid)
        while len(list(tmp_path.rglob("requests.*.jsonl"))) < 2:
            assert process.poll() is None
        family = [parent, *parent.children(recursive=True)]
        lines = [" ".join(one.cmdline()) for one in family]
    finally:
        process.terminate()
        out, err = process.communicate(timeout=60)
    assert len(lines) >= 3
    assert not any(CANARY in line for line in lines)
    require_silence(tmp_path, out, err)


BROKEN = """
import sys
from tailrace.engine import worker
def broken(self, *_):
    raise RuntimeError(f"broken with {self._secret_headers!r}")
worker.Worker.sending = broken
from tailrace.cli import main
main()
"""


def test_a_traceback_has_no_key(sim_url: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, "run", "--url", sim_url, "-m", "sim", *SHORT],
        cwd=tmp_path,
        env=clean_env(ENV),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" in done.stderr
    assert "RuntimeError: broken with" in done.stderr
    require_silence(tmp_path, done.stdout, done.stderr)
