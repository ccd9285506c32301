"""Tokenizer: a tiny one for clients that will not start without a tokenizer's folder.

Rule: written as JSON, by the standard library alone, in the form that `transformers` loads. Tokens
are words between spaces; a word that it does not know counts as the first that it does. So any
text has tokens, and any tokens make a text that has the same tokens again.
Why: real tokenizers are downloaded, and a bench that waits for a hub measures the hub. A client
that counts an answer's tokens for itself shall count as many as the endpoint has sent, and one
that makes prompts of random tokens shall get the length it asked for.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

END = "<|end|>"
CONTEXT = 131_072
MORE = tuple(
    a + b + c for a in "bdgklmnp" for b in "aeiou" for c in ("den", "ford", "lock", "mere")
)
"""Words for prompts; the endpoint's own are few."""


def write_tokenizer(folder: Path, words: Sequence[bytes]) -> Path:
    """Write the folder; each of `words` is one token, spaces around it or not."""
    folder.mkdir(parents=True, exist_ok=True)
    known = [word.decode().strip() for word in words]
    for name, values in (("tokenizer.json", model(known)), ("tokenizer_config.json", config())):
        text = json.dumps(values, ensure_ascii=False, indent=1)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return folder


def config() -> dict[str, Any]:
    """What `transformers` reads first: the class to load, the special token, a chat template."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END,
        "eos_token": END,
        "pad_token": END,
        "model_max_length": CONTEXT,
        "clean_up_tokenization_spaces": False,
        "chat_template": "{% for message in messages %}{{ message['content'] }} {% endfor %}",
    }


def model(words: Sequence[str]) -> dict[str, Any]:
    """The whole of tokenizer.json."""
    vocabulary = [*dict.fromkeys((*words, *MORE)), END]
    special = {"id": len(vocabulary) - 1, "content": END, "special": True}
    flags = ("single_word", "lstrip", "rstrip", "normalized")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [special | dict.fromkeys(flags, False)],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {token: number for number, token in enumerate(vocabulary)},
            "unk_token": vocabulary[0],
        },
    }
