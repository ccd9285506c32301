"""A random decoder of a few hundred thousand weights in the layout of ONNX Runtime GenAI.

``python tiny_onnx.py FOLDER SIZE`` with SIZE ``small`` or ``large``. It runs where onnx is, in the
environment of foundry_runtime.py. Its tokens are bytes and a few words; a bias lets out words only
and never the end, so that ``max_tokens`` decides the length.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TEXT = "the of model token first edge local answer small large load warm mean batch"
WORDS = TEXT.split()
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CONTEXT = 4096
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SIZES = {"small": (2, 64, 4, 128), "large": (6, 512, 8, 1536)}
"""Layers, width, heads, width of the feed-forward part."""


def byte_letters() -> dict[int, str]:
    """GPT-2's printable letter of each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in plain]
    letters = {byte: chr(byte) for byte in plain}
    return letters | {byte: chr(256 + place) for place, byte in enumerate(hidden)}


class Words:
    """The tokenizer: bytes, merges that make the words, and the special tokens."""

    def __init__(self) -> None:
        letters = byte_letters()
        self.ids = {letter: byte for byte, letter in letters.items()}
        self.merges: list[str] = []
        space = letters[32]
        for word in WORDS:
            joined = space
            for letter in word:
                self._merge(joined, letter)
                joined += letter
        self.word_ids = [self.ids[space + word] for word in WORDS]
        self.special = {text: len(self.ids) + place for place, text in enumerate(SPECIAL)}
        self.count = len(self.ids) + len(SPECIAL)

    def _merge(self, left: str, right: str) -> None:
        if left + right not in self.ids:
            self.ids[left + right] = len(self.ids)
            self.merges.append(f"{left} {right}")

    def write(self, folder: Path) -> None:
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False}
        added = [
            {"id": number, "content": text, "special": True, **flags}
            for text, number in self.special.items()
        ]
        model = {
            **{"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False},
            **{"continuing_subword_prefix": "", "end_of_word_suffix": "", "byte_fallback": False},
            **{"vocab": self.ids, "merges": self.merges},
        }
        tokenizer = {
            **{"version": "1.0", "truncation": None, "padding": None, "normalizer": None},
            "added_tokens": added,
            "pre_tokenizer": {**level, "use_regex": True},
            "post_processor": {**level, "use_regex": True},
            "decoder": {**level, "add_prefix_space": True, "use_regex": True},
            "model": model,
        }
        config = {
            **{"tokenizer_class": "Qwen2Tokenizer", "chat_template": TEMPLATE},
            **{"bos_token": None, "eos_token": SPECIAL[2], "pad_token": SPECIAL[0]},
            **{"model_max_length": CONTEXT, "clean_up_tokenization_spaces": False},
            "added_tokens_decoder": {str(one.pop("id")): one for one in map(dict, added)},
        }
        write_json(folder / "tokenizer.json", tokenizer)
        write_json(folder / "tokenizer_config.json", config)
        (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")


class Graph:
    """The decoder, built node by node."""

    def __init__(self, words: Words, layers: int, width: int, heads: int, inner: int) -> None:
        self._words, self.layers, self.width, self.heads = words, layers, width, heads
        self.kv_heads = max(1, heads // 2)
        self.head = width // heads
        self._inner = inner
        self._dice = np.random.default_rng(7)
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def _keep(self, name: str, values: Any) -> str:
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _random(self, name: str, *shape: int, spread: float) -> str:
        return self._keep(name, self._dice.normal(0, spread, shape).astype(np.float32))

    def _node(self, kind: str, inputs: list[str], *outputs: str, **more: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, list(outputs), **more))
        return outputs[0]

    def _norm(self, x: str, name: str) -> str:
        scale = self._keep(name, np.ones(self.width, np.float32))
        more = {"axis": -1, "epsilon": 1e-6, "stash_type": 1}
        return self._node("SimplifiedLayerNormalization", [x, scale], name + "_out", **more)

    def _product(self, x: str, name: str, inputs: int, outputs: int, spread: float) -> str:
        weights = self._random(name + "_w", inputs, outputs, spread=spread)
        return self._node("MatMul", [x, weights], name)

    def _lengths(self) -> None:
        self._keep("axis", np.array([1], np.int64))
        self._keep("one", np.array(1, np.int64))
        self._node("ReduceSum", ["attention_mask", "axis"], "filled", keepdims=0)
        self._node("Sub", ["filled", "one"], "last")
        self._node("Cast", ["last"], "past_lengths", to=TensorProto.INT32)
        self._node("Shape", ["attention_mask"], "mask_shape")
        self._node("Gather", ["mask_shape", "one"], "total", axis=0)
        self._node("Cast", ["total"], "total_length", to=TensorProto.INT32)
        rates = 1.0 / (10000 ** (np.arange(0, self.head, 2) / self.head))
        angles = np.outer(np.arange(CONTEXT), rates)
        self._keep("cos", np.cos(angles).astype(np.float32))
        self._keep("sin", np.sin(angles).astype(np.float32))

    def _layer(self, x: str, number: int) -> str:
        p, width = f"layer{number}_", self.width
        kv_width = self.kv_heads * self.head
        n = self._norm(x, p + "norm1")
        parts = [
            self._product(n, p + name, width, size, 0.3)
            for name, size in (("q", width), ("k", kv_width), ("v", kv_width))
        ]
        past = [f"past_key_values.{number}.{part}" for part in ("key", "value")]
        present = [f"present.{number}.{part}" for part in ("key", "value")]
        heads = {"num_heads": self.heads, "kv_num_heads": self.kv_heads}
        attended = self._node(
            "GroupQueryAttention",
            [*parts, *past, "past_lengths", "total_length", "cos", "sin"],
            *(p + "attended", *present),
            domain="com.microsoft",
            do_rotary=1,
            **heads,
        )
        x = self._node("Add", [x, self._product(attended, p + "o", width, width, 0.08)], p + "x1")
        n = self._norm(x, p + "norm2")
        gate = self._product(n, p + "gate", width, self._inner, 0.08)
        open_ = self._node("Mul", [gate, self._node("Sigmoid", [gate], p + "s")], p + "open")
        up = self._node(
            "Mul", [open_, self._product(n, p + "up", width, self._inner, 0.08)], p + "u"
        )
        return self._node(
            "Add", [x, self._product(up, p + "down", self._inner, width, 0.08)], p + "x2"
        )

    def write(self, path: Path) -> None:
        self._lengths()
        self._random("embedding", self._words.count, self.width, spread=1.0)
        x = self._node("Gather", ["embedding", "input_ids"], "x0", axis=0)
        for number in range(self.layers):
            x = self._layer(x, number)
        head = self._product(self._norm(x, "norm"), "head", self.width, self._words.count, 0.2)
        bias = np.full(self._words.count, -1e4, np.float32)
        bias[self._words.word_ids] = 0.0
        self._node("Add", [head, self._keep("bias", bias)], "logits")
        info = helper.make_tensor_value_info
        kinds = TensorProto.FLOAT, ["batch", self.kv_heads, "length", self.head]
        inputs = [
            info("input_ids", TensorProto.INT64, ["batch", "sequence"]),
            info("attention_mask", TensorProto.INT64, ["batch", "total_sequence"]),
        ]
        outputs = [info("logits", TensorProto.FLOAT, ["batch", "sequence", self._words.count])]
        for number in range(self.layers):
            for part in ("key", "value"):
                inputs.append(info(f"past_key_values.{number}.{part}", *kinds))
                outputs.append(info(f"present.{number}.{part}", *kinds))
        graph = helper.make_graph(self._nodes, "tiny", inputs, outputs, self._weights)
        domains = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        onnx.save(helper.make_model(graph, ir_version=10, opset_imports=domains), str(path))


def config_of(words: Words, graph: Graph) -> dict[str, Any]:
    """``genai_config.json``."""
    decoder = {
        "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
        **{"filename": "model.onnx", "head_size": graph.head, "hidden_size": graph.width},
        **{"num_attention_heads": graph.heads, "num_key_value_heads": graph.kv_heads},
        "num_hidden_layers": graph.layers,
        "inputs": {
            **{"input_ids": "input_ids", "attention_mask": "attention_mask"},
            "past_key_names": "past_key_values.%d.key",
            "past_value_names": "past_key_values.%d.value",
        },
        "outputs": {
            "logits": "logits",
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
    }
    end, _, turn = (words.special[text] for text in SPECIAL)
    return {
        "model": {
            **{"type": "qwen2", "bos_token_id": end, "eos_token_id": [turn, end]},
            **{"pad_token_id": end, "context_length": CONTEXT, "vocab_size": words.count},
            "decoder": decoder,
        },
        "search": {
            **{"do_sample": False, "max_length": CONTEXT, "min_length": 0, "num_beams": 1},
            **{"num_return_sequences": 1, "past_present_share_buffer": True, "temperature": 1.0},
            **{"top_k": 50, "top_p": 1.0, "repetition_penalty": 1.0, "early_stopping": True},
        },
    }


def write_json(path: Path, value: Any) -> None:
    """UTF-8, as the runtime reads it."""
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def main(folder: Path, size: str) -> None:
    """Write the model's folder."""
    folder.mkdir(parents=True)
    words = Words()
    graph = Graph(words, *SIZES[size])
    words.write(folder)
    graph.write(folder / "model.onnx")
    write_json(folder / "genai_config.json", config_of(words, graph))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
