"""The recipes for Kubernetes, Slurm and containers are what those systems take."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner

from tailrace.cli import cli

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "examples" / "cluster"

GROUP: dict[str, Any] = {
    "rayStartParams": {"type": "object", "additionalProperties": {"type": "string"}},
    "template": {"type": "object", "required": ["spec"]},
}
WORKERS = {
    **GROUP,
    "groupName": {"type": "string"},
    **{name: {"type": "integer"} for name in ("replicas", "minReplicas", "maxReplicas")},
}
RAY_JOB = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayJob"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["entrypoint", "rayClusterSpec"],
            "properties": {
                "submissionMode": {
                    "enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]
                },
                "entrypoint": {"type": "string"},
                "shutdownAfterJobFinishes": {"type": "boolean"},
                "ttlSecondsAfterFinished": {"type": "integer", "minimum": 0},
                "activeDeadlineSeconds": {"type": "integer", "minimum": 1},
                "backoffLimit": {"type": "integer", "minimum": 0},
                "rayClusterSpec": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["headGroupSpec"],
                    "properties": {
                        "headGroupSpec": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["template"],
                            "properties": GROUP,
                        },
                        "workerGroupSpecs": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["groupName", "template", "minReplicas", "maxReplicas"],
                                "properties": WORKERS,
                            },
                        },
                    },
                },
            },
        },
    },
}
"""The fields that the recipe uses, as KubeRay's API reference of ray.io/v1 has them."""


@pytest.fixture
def job() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((RECIPES / "kuberay.yaml").read_text(encoding="utf-8"))
    return found


def templates(job: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = job["spec"]["rayClusterSpec"]
    return [each["template"] for each in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def test_the_ray_job_has_the_fields_of_its_kind(job: dict[str, Any]) -> None:
    jsonschema.validate(job, RAY_JOB)


def test_its_pods_are_pods(job: dict[str, Any]) -> None:
    for template in templates(job):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, **template}
        kubernetes_validate.validate(pod, "1.30", strict=True)
    pod["spec"]["containers"][0]["resource"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, "1.30", strict=True)


def test_workers_fit_and_have_whole_cores(job: dict[str, Any]) -> None:
    words = shlex.split(job["spec"]["entrypoint"])
    wanted = int(words[words.index("--workers") + 1])
    (group,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    resources = group["template"]["spec"]["containers"][0]["resources"]
    assert resources["requests"] == resources["limits"]
    assert wanted == group["replicas"] * int(resources["limits"]["cpu"])


def test_the_commands_of_the_recipes_are_commands(job: dict[str, Any]) -> None:
    script = (RECIPES / "slurm.sh").read_text(encoding="utf-8")
    (line,) = re.findall(r"^tailrace (run .*) \"\$@\"$", script, re.MULTILINE)
    (shown,) = re.findall(r"slurm\.sh (--url[^#]*)#[^#]*?--concurrency", script)
    _, *entry = shlex.split(job["spec"]["entrypoint"])
    slurm = [*shlex.split(line.replace("$address:$port", "h:6379").replace("$workers", "8"))]
    slurm += shlex.split(shown.replace("\\", " "))
    for words in (entry, slurm):
        done = CliRunner().invoke(cli, [words[0], *words[1:], "--show-config"])
        assert done.exit_code == 0, done.output
        assert "--fleet" in done.output


def test_what_the_image_is_given_is_enough_to_install_from(tmp_path: Path) -> None:
    text = (RECIPES / "Containerfile").read_text(encoding="utf-8")
    copies = [line.split()[1:] for line in text.splitlines() if line.startswith("COPY ")]
    assert copies
    for *sources, target in copies:
        for source in sources:
            to = tmp_path / target.lstrip("/") / ("" if target.endswith("/") else ".")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, to)
    (wanted,) = re.findall(r"pip install .*'/(\w+)\[(\w+)\]'", text)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(
        build, cwd=tmp_path / wanted[0], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (about,) = (name for name in names if name.endswith("/METADATA"))
        assert f"Provides-Extra: {wanted[1]}" in archive.read(about).decode()
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tailrace").rglob("*.py")}
    assert ours <= names
