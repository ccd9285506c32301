"""Real tokenizers of the test's own, trained on the package's sample prompts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SAMPLES = Path(__file__).parents[2] / "tailrace" / "scenarios" / "samples"


def texts() -> Iterator[str]:
    from tailrace.scenarios.pieces import WORDS

    for path in sorted(SAMPLES.iterdir()):
        for record in orjson.loads(path.read_bytes()):
            yield str(record)
    for word in WORDS[::2]:  # half of them become tokens, the other half do not
        yield f" {word}" * 40 + f"\n{word}" * 40


def byte_level(size: int = 2000) -> Any:
    """As GPT-2's, Llama 3's and Qwen's: bytes, split before words."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, show_progress=False, special_tokens=["<s>"]
    )
    made.train_from_iterator(texts(), trainer)
    return made


def metaspace(size: int = 1500) -> Any:
    """As Llama 2's and Gemma's: a mark for each space, one put before the text."""
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=size, show_progress=False, special_tokens=["<unk>"], unk_token="<unk>"
    )
    made.train_from_iterator(texts(), trainer)
    return made


def letters() -> Any:
    """A token for each character and no merges: no word is one token."""
    made = Tokenizer(models.BPE())
    alphabet = [chr(code) for code in range(32, 127)]
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet), initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(["a b"], trainer)
    return made


def joining() -> Any:
    """Knows no word at all: whatever stands between spaces is one unknown token."""
    return Tokenizer(models.WordLevel({"<unk>": 0}, unk_token="<unk>"))


def saved(tokenizer: Any, path: Path) -> str:
    tokenizer.save(str(path))
    return str(path)
