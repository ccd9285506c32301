"""A writer of tiny random llama models in GGUF: the model of every test that needs a real server.

Rule: the weights say nothing, the shape of the answer everything. Every token that can be sampled
is a word of printable ASCII, so each token is one chunk of text; and the end-of-text token cannot
be sampled at any temperature, so each stream runs to ``max_tokens``.

Why: such a file starts in a fraction of a second and streams thousands of tokens a second, and
counts can be asserted exactly. How: the first dimension carries a constant from the embedding to
the output, past layers that never write to it; its output weight is thus a bias, which is nought
for words and far below nought for everything else.
"""

from pathlib import Path
from random import Random

import gguf
import numpy as np

NAME = "tiny-random-llama"
VOCABULARY = 1024
CONTEXT = 32768
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
SPACE = "\u2581"  # what the vocabulary writes for a space
CONTROLS = ("<unk>", "<s>", "</s>")
SUPPRESSED = -100.0

Entry = tuple[str, gguf.TokenType, float]


def write_tiny_gguf(path: Path, *, width: int = 64, layers: int = 2, seed: int = 1) -> Path:
    """Write the model; a wider or deeper one is slower, which is at times what a test wants."""
    heads = max(2, width // 32)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(NAME)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(width * 2)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(VOCABULARY)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    entries = vocabulary()
    _add_tokenizer(writer, entries)
    for name, tensor in _tensors(entries, width, layers, seed):
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def vocabulary() -> list[Entry]:
    """Return the tokens: controls and bytes, single characters to read with, words to write."""
    kinds = gguf.TokenType
    entries: list[Entry] = [(CONTROLS[0], kinds.UNKNOWN, 0.0)]
    entries += [(name, kinds.CONTROL, 0.0) for name in CONTROLS[1:]]
    entries += [(f"<0x{byte:02X}>", kinds.BYTE, 0.0) for byte in range(256)]
    letters = [SPACE, *map(chr, range(33, 127))]
    entries += [(letter, kinds.NORMAL, -1.0 - n) for n, letter in enumerate(letters)]
    words = _words(VOCABULARY - len(entries))
    return entries + [(word, kinds.NORMAL, float(len(word))) for word in words]


def is_word(text: str) -> bool:
    """Tell whether a token may be sampled."""
    return text.startswith(SPACE) and len(text) > 1


def _words(count: int) -> list[str]:
    dice = Random("tailrace")
    words: dict[str, None] = {}
    while len(words) < count:
        syllables = [dice.choice("bcdfghklmnprstvz") + dice.choice("aeiou") for _ in range(3)]
        words[SPACE + "".join(syllables[: dice.randint(1, 3)])] = None
    return list(words)


def _add_tokenizer(writer: gguf.GGUFWriter, entries: list[Entry]) -> None:
    texts, types, scores = zip(*entries, strict=True)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(list(texts))
    writer.add_token_types(list(types))
    writer.add_token_scores(list(scores))
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _tensors(
    entries: list[Entry], width: int, layers: int, seed: int
) -> list[tuple[str, np.ndarray]]:
    dice = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return (dice.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    embedding, output = weights(len(entries), width), weights(len(entries), width) * 6
    embedding[:, 0] = 1.0
    output[:, 0] = [0.0 if is_word(text) else SUPPRESSED for text, _, _ in entries]
    ones = np.ones(width, np.float32)
    tensors = [("token_embd.weight", embedding), ("output.weight", output)]
    tensors.append(("output_norm.weight", ones))
    inner = width * 2
    for layer in range(layers):
        block: dict[str, np.ndarray] = {"attn_norm": ones, "ffn_norm": ones}
        block |= {name: weights(width, width) for name in ("attn_q", "attn_k", "attn_v")}
        block |= {name: weights(inner, width) for name in ("ffn_gate", "ffn_up")}
        block |= {"attn_output": weights(width, width), "ffn_down": weights(width, inner)}
        block["attn_output"][0] = block["ffn_down"][0] = 0.0
        tensors += [(f"blk.{layer}.{name}.weight", tensor) for name, tensor in block.items()]
    return tensors
