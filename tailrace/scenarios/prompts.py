"""Prompts: which text a request carries, and the nonce that keeps caches out of it. Pure."""

from __future__ import annotations

from hashlib import blake2b

from tailrace.scenarios.items import Item, Message, begun, with_system
from tailrace.scenarios.model import Scenario

NONCE_CHARS = 16
NONCE_SLOT = "\x1anonce\x1a"
"""Stands for the nonce in a prompt before it is sent; nobody types it."""
SLOT_LEAD = f"[{NONCE_SLOT}] "
"""What a text with a nonce begins with."""


def nonce(salt: str, seed: int, sequence: int) -> str:
    """The word of the ``sequence``-th request: 16 hexadecimal digits, the same for the same run."""
    text = f"{salt}:{seed}:{sequence}".encode()
    return blake2b(text, digest_size=NONCE_CHARS // 2).hexdigest()


def messages(scenario: Scenario, item: Item) -> tuple[Message, ...]:
    """(role, content) pairs, the nonce's slot at the very start, where prefix caches look.

    The scenario's system message goes before those of an item that has none of its own.
    """
    found = with_system(item.messages, scenario.system)
    if scenario.nonce and item.nonce and found:
        (role, content), *rest = found
        found = ((role, begun(content, SLOT_LEAD)), *rest)
    return found
