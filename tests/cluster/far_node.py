"""Two Ray nodes in two network namespaces, and the cable between them, which can be pulled.

The head, the command and the endpoint are where the tests are; the other node has a namespace, a
name and a folder for temporary files of its own, as another machine has.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..network.namespace import HERE, THERE, Cable, cable, ip, within
from .two_nodes import free_port, node, ray_env

FAR = "tailrace-far"
"""What the other machine calls itself."""
_ALONE = 'mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray && hostname "$0" && cd / && exec "$@"'
"""``ip netns exec`` gives a view of mounts of its own, and all of it goes with the process."""

FAR_ENV = ray_env({})
"""Ray's own patience is kept: it takes long to call a node dead, and nobody is to wait for that."""


@dataclass
class Apart:
    """``address`` is the head's."""

    address: str
    _cable: Cable

    def pull(self) -> None:
        """Nothing passes any more, and nobody at this end is told."""
        ip("-n", self._cable.name, "link", "set", self._cable.far, "down")

    def plug(self) -> None:
        """As it was."""
        ip("-n", self._cable.name, "link", "set", self._cable.far, "up")


@contextlib.contextmanager
def far_node(folder: Path) -> Iterator[Apart]:
    """Up when this is entered, gone when it is left."""
    with cable() as made:
        ip("-n", made.name, "link", "set", "lo", "up")
        address = f"{HERE}:{free_port(HERE)}"
        options = ("--head", f"--port={address.rpartition(':')[2]}", "--include-dashboard=false")
        alone = (*within(made.name), "unshare", "--uts", "sh", "-c", _ALONE, FAR)
        with (
            node(options, folder / "head", host=HERE, env=FAR_ENV),
            node(
                (f"--address={address}",),
                folder / "far",
                host=THERE,
                before=alone,
                env=FAR_ENV,
            ),
        ):
            yield Apart(address, made)
