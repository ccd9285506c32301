"""Prompts: which text a request carries, and the nonce that keeps caches out of it. Pure."""

from __future__ import annotations

from hashlib import blake2b

from tailrace.scenarios.model import Scenario

NONCE_CHARS = 16
NONCE_SLOT = "\x1anonce\x1a"
"""Stands for the nonce in a prompt before it is sent; nobody types it."""


def nonce(salt: str, seed: int, sequence: int) -> str:
    """The word of the ``sequence``-th request: 16 hexadecimal digits, the same for the same run."""
    text = f"{salt}:{seed}:{sequence}".encode()
    return blake2b(text, digest_size=NONCE_CHARS // 2).hexdigest()


def messages(scenario: Scenario, prompt: str) -> tuple[tuple[str, str], ...]:
    """(role, content) pairs, the nonce's slot at the very start, where prefix caches look."""
    slot = f"[{NONCE_SLOT}] " if scenario.nonce else ""
    if scenario.system is None:
        return (("user", slot + prompt),)
    return (("system", slot + scenario.system), ("user", prompt))


def prompt_index(sequence: int, count: int) -> int:
    """Prompts are taken in turn, in the order given."""
    return sequence % count
