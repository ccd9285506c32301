"""``python -m tailrace.adapter_host PORT``, started by ``tailrace run`` with orders for it.

Rule: when the adapter cannot be loaded, the last line on standard error is one sentence that says
why; a traceback stands before it.
"""

import asyncio
import io
import os
import sys
import traceback

import msgspec

from tailrace.adapter_host.adapter import Adapter, AdapterError
from tailrace.adapter_host.server import bound, serve
from tailrace.scenarios.adapters import VARIABLE, Orders

SWITCH_S = 0.0005
"""How long a thread that computes in Python may hold up the one that writes tokens."""
FAILED = 3


async def _work(orders: Orders, port: int) -> None:
    listener = bound(port)
    adapter = Adapter.find(orders.adapter)
    await adapter.load(orders.weights, orders.options)
    await serve(adapter, orders.token, listener)


def main() -> int:
    """Load and serve until it is ended."""
    text = os.environ.pop(VARIABLE, None)  # nor do processes that an adapter starts see it
    if text is None or len(sys.argv) != 2:
        print("tailrace run starts this; see docs/adapters.md", file=sys.stderr)
        return 2
    sys.path.insert(0, os.getcwd())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what it prints is in the log when it is killed
            stream.reconfigure(encoding="utf-8", line_buffering=True)
    sys.setswitchinterval(SWITCH_S)
    orders = msgspec.json.decode(text, type=Orders)
    try:
        asyncio.run(_work(orders, int(sys.argv[1])))
    except AdapterError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        print(" ".join(str(error).split()), file=sys.stderr, flush=True)
    return FAILED


if __name__ == "__main__":
    os._exit(main())  # threads that an adapter has left behind do not keep a failed host alive
