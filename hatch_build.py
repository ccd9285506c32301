"""Build hook: compiles ``engine/wire_reads.c`` where there is a C compiler.

Rule: nothing needs it. Without a compiler, on other systems than Linux, or with
``TAILRACE_BUILD_C=0`` the package is built of Python alone and measures the same, for more CPU.
Standard library and the compiler that Python itself was built with; the limited API, so that one
build serves every Python from 3.11 on.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("tailrace/engine/wire_reads.c")
MODULE = Path("tailrace/engine/_wire_reads.abi3.so")


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's entry."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before a wheel is put together, an editable one too."""
        root = Path(self.root)
        (root / MODULE).unlink(missing_ok=True)
        failure = compiled(root)
        if failure is None:
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"cp311-abi3-{platform}"
            build_data["artifacts"].append(MODULE.as_posix())
        else:
            self.app.display_warning(f"reads are made by Python, not by C: {failure}")


def compiled(root: Path) -> str | None:
    """None when the module was built, else why not."""
    if os.environ.get("TAILRACE_BUILD_C") == "0":
        return "TAILRACE_BUILD_C=0"
    if sys.platform != "linux" or sys.implementation.name != "cpython":
        return f"{sys.implementation.name} on {sys.platform} has no use for it"
    source = root / SOURCE
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    command = [*compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    command += [f'-DSOURCE_SHA256="{digest}"', f"-I{sysconfig.get_paths()['include']}"]
    command += [str(source), "-o", str(root / MODULE)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as exc:
        return f"no compiler ({compiler[0]}: {exc.strerror})"
    return None if done.returncode == 0 else f"{compiler[0]}: {done.stderr.strip()[-300:]}"
