"""Options of ``tailrace run`` about an adapter: a model that is a Python object and no server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tailrace.commands.option import Command, option
from tailrace.errors import UsageError

if TYPE_CHECKING:
    from tailrace.scenarios.model_entry import ModelEntry

OPTIONS: tuple[Callable[[Command], Command], ...] = (
    option(
        "--adapter",
        metavar="NAME",
        help="One model more: a Python object with load and generate, as module:Class or an "
        "installed adapter's name, in a process of its own (docs/adapters.md).",
    ),
    option("--weights", metavar="PATH", help="Handed to the adapter's load as it is."),
    option(
        "--adapter-option",
        "adapter_options",
        multiple=True,
        metavar="KEY=VALUE",
        help="Keyword argument of the adapter's load, as JSON or a plain text; repeat for several.",
    ),
)


def entries(values: Mapping[str, Any]) -> tuple[ModelEntry, ...]:
    """The adapter's place in the queue; none without one. Raises UsageError."""
    if values.get("adapter") is None:
        for name, given in (("weights", "--weights"), ("adapter_options", "--adapter-option")):
            if values.get(name):
                raise UsageError(f"{given} is for an --adapter; name one, or leave it out")
        return ()
    from tailrace.scenarios.adapters import (
        adapter_name,
        adapter_options,
        is_known,
        no_such_adapter,
    )
    from tailrace.scenarios.model_entry import ModelEntry

    name = adapter_name(values["adapter"])
    if not is_known(name):
        raise UsageError(f"--adapter: {no_such_adapter(name)}")
    weights, options = values["weights"], adapter_options(values["adapter_options"])
    tags = {"adapter": name, "weights": weights, "options": options}
    return (
        ModelEntry(
            alias=name,
            model=name,
            adapter=name,
            weights=weights,
            options=options,
            tags={key: value for key, value in tags.items() if value},
        ),
    )
