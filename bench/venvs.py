"""Venvs: a virtual environment for each peer, made once and kept.

Rule: a requirement is a least version; what was installed is asked of the environment itself. A
stamp file holds the requirement that it was made for; another requirement makes it anew. What
cannot be made is an error that says why.
Why: peers' dependencies contradict each other and this project's, and installing takes minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from peer import Peer

INSTALL_S = 1800
STAMP = ".installed"
_USABLE = "import ensurepip, sys, venv; sys.exit(sys.version_info < {least})"


class VenvError(Exception):
    """A peer that is not installed, and why."""


def ready(peer: Peer, cache: Path) -> Path:
    """The folder of its programs, installed where it is not."""
    home = cache.resolve() / peer.name
    stamp = home / STAMP
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != peer.requirement:
        print(f"installing {peer.requirement} ...", file=sys.stderr, flush=True)
        _run([_interpreter(peer.python), "-m", "venv", "--clear", str(home)])
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "-qq"]
        _run([*pip, "--disable-pip-version-check", peer.requirement])
        stamp.write_text(peer.requirement, encoding="utf-8")
    return home / "bin"


def version_of(peer: Peer, programs: Path) -> str:
    """The version that is installed, and the Python under it."""
    code = "import platform, sys; from importlib.metadata import version as v; "
    code += "print(v(sys.argv[1]), 'on Python', platform.python_version())"
    return _run([str(programs / "python"), "-c", code, peer.name]).strip()


def _interpreter(least: tuple[int, int]) -> str:
    """This Python if it is new enough, else a newer one on the path or installed beside it."""
    if sys.version_info >= least:
        return sys.executable
    beside = Path(sys.base_prefix).parent
    for minor in range(least[1], least[1] + 4):
        name = f"python{least[0]}.{minor}"
        places = [shutil.which(name), *map(str, beside.glob(f"{name[6:]}*/bin/{name}"))]
        for place in filter(None, places):
            usable = [place, "-c", _USABLE.format(least=least)]
            if not subprocess.run(usable, capture_output=True, check=False).returncode:
                return place
    raise VenvError(f"needs Python {least[0]}.{least[1]} or newer, and there is none here")


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise VenvError(f"not installed within {INSTALL_S} s") from None
    except OSError as error:
        raise VenvError(str(error)) from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise VenvError((lines or done.stderr.splitlines() or ["no reason given"])[-1])
    return done.stdout
