"""Servers known by what only they say; samples as their documentation and sources have them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tailrace.results.server_kind import MODELS, PATHS, ServerName, Told, recognised


def told(body: Any, status: int = 200, **headers: str) -> Told:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Told(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def owned_by(owner: str, **more: Any) -> Told:
    return told({"object": "list", "data": [{"id": "m", "owned_by": owner, **more}]})


LLAMA_PROPS = {
    "default_generation_settings": {"n_ctx": 4096, "params": {}},
    "total_slots": 4,
    "build_info": "b6123-abcdef0",
}

SAMPLES: list[tuple[str, dict[str, Told], tuple[str, str, int | None]]] = [
    ("simulate", {MODELS: owned_by("simulate")}, ("tailrace simulate", "", None)),
    (
        "llama.cpp by its header",
        {MODELS: told({}, server="llama.cpp"), "/props": told(LLAMA_PROPS)},
        ("llama.cpp", "b6123-abcdef0", 4),
    ),
    ("llama.cpp by its props", {"/props": told(LLAMA_PROPS)}, ("llama.cpp", "b6123-abcdef0", 4)),
    ("llama.cpp by its owner", {MODELS: owned_by("llamacpp")}, ("llama.cpp", "", None)),
    (
        "vLLM",
        {
            MODELS: owned_by("vllm", max_model_len=8192),
            "/version": told({"version": "0.11.0"}),
            "/metrics": told('vllm:cache_config_info{block_size="16"} 1.0\n'),
        },
        ("vLLM", "0.11.0", None),
    ),
    (
        "vLLM that says its limit",
        {"/metrics": told('vllm:scheduler_config_info{max_num_seqs="256",x="1"} 1.0\n')},
        ("vLLM", "", 256),
    ),
    (
        "SGLang",
        {
            MODELS: owned_by("sglang"),
            "/get_server_info": told({"version": "0.5.3", "max_running_requests": 48}),
        },
        ("SGLang", "0.5.3", 48),
    ),
    (
        "TGI",
        {"/info": told({"model_id": "m", "version": "3.3.5", "max_concurrent_requests": 128})},
        ("TGI", "3.3.5", None),
    ),
    (
        "Ollama",
        {MODELS: owned_by("library"), "/api/version": told({"version": "0.12.6"})},
        ("Ollama", "0.12.6", None),
    ),
    (
        "LM Studio",
        {"/api/v0/models": told({"data": [{"id": "m", "state": "not-loaded"}]})},
        ("LM Studio", "", None),
    ),
    (
        "Foundry Local up to 0.8",
        {"/openai/status": told({"Endpoints": [], "ModelDirPath": "models", "PipeName": "p"})},
        ("Foundry Local", "", None),
    ),
    (
        "Foundry Local since 0.10",
        {"/status": told({"modelCachePath": "models", "pid": 7, "version": "0.10.1"})},
        ("Foundry Local", "0.10.1", None),
    ),
    (
        "LiteLLM in front of vLLM",
        {MODELS: Told(200, {"x-litellm-version": "1.79.0"}, owned_by("vllm").body)},
        ("LiteLLM", "1.79.0", None),
    ),
    ("a stranger", {MODELS: told({"data": []}, server="uvicorn")}, ("unknown", "", None)),
    ("nobody", {}, ("unknown", "", None)),
]


@pytest.mark.parametrize(
    ("answers", "wanted"), [s[1:] for s in SAMPLES], ids=[s[0] for s in SAMPLES]
)
def test_a_server_is_known(answers: dict[str, Told], wanted: tuple[str, str, int | None]) -> None:
    found = recognised(answers)
    assert (found.name, found.version, found.slots) == wanted
    assert found.known is (wanted[0] != "unknown")
    assert found.told_by or wanted == ("unknown", "", None)


def test_a_stranger_is_told_by_its_header() -> None:
    assert recognised({"/health": told("", server="uvicorn")}).told_by == "Server: uvicorn"


def test_limits_are_told_by_the_servers_own_names() -> None:
    tgi = {"model_id": "m", "max_concurrent_requests": 128, "max_total_tokens": 4096}
    assert recognised({"/info": told(tgi)}).limits == {
        "max_concurrent_requests": "128",
        "max_total_tokens": "4096",
    }
    props = {"/props": told(LLAMA_PROPS)}
    assert recognised(props).limits == {"n_ctx": "4096 tokens"}
    vllm = {MODELS: owned_by("vllm", max_model_len=8192)}
    assert recognised(vllm).limits == {"max_model_len": "8192 tokens"}


def test_what_was_refused_is_not_read() -> None:
    assert not recognised({"/props": told(LLAMA_PROPS, status=401)}).known


@pytest.mark.parametrize("value", [True, 0, -1, 2.5, "4", None, [4]])
def test_slots_that_are_no_count_are_not_said(value: Any) -> None:
    props = {"total_slots": value, "build_info": "b1"}
    answers = {"/props": told(props), MODELS: owned_by("llamacpp")}
    assert recognised(answers).slots is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "owned_by", "version", "state", "total_slots", "build_info"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([MODELS, *PATHS]), JSON | st.binary(max_size=30)))
def test_no_answer_makes_it_stumble(bodies: dict[str, Any]) -> None:
    answers = {
        path: Told(200, {}, body) if isinstance(body, bytes) else told(body)
        for path, body in bodies.items()
    }
    assert recognised(answers).name


FOUNDRY_STATUS = ServerName("Foundry Local", "0.9", "/status")
SIMULATE = ServerName("tailrace simulate", "", "owned_by simulate")
CONTEXT = {"max_model_len": "8192 tokens"}
LLAMA = "/props total_slots"
WHOLE: list[tuple[dict[str, Told], ServerName]] = [
    ({}, ServerName()),
    ({"/health": told("ok")}, ServerName(told_by="")),
    ({"/health": told("ok", server="nginx")}, ServerName(told_by="Server: nginx")),
    ({MODELS: owned_by("somebody")}, ServerName()),
    (
        {"/health": told("ok", x_litellm_version="1.2"), MODELS: owned_by("vllm")},
        ServerName("LiteLLM", "1.2", "x-litellm-version"),
    ),
    (
        {"/health/readiness": told({"litellm_version": "1.3"})},
        ServerName("LiteLLM", "1.3", "x-litellm-version"),
    ),
    ({MODELS: owned_by("simulate")}, ServerName("tailrace simulate", "", "owned_by simulate")),
    (
        {"/health": told("", server="Llama.cpp b1"), "/props": told(LLAMA_PROPS)},
        ServerName(
            *("llama.cpp", "b6123-abcdef0", "Server: llama.cpp", 4, LLAMA, {"n_ctx": "4096 tokens"})
        ),
    ),
    (
        {MODELS: owned_by("llamacpp")},
        ServerName("llama.cpp", "", "owned_by llamacpp", None, LLAMA),
    ),
    (
        {"/metrics": told("llamacpp:requests_processing 1\n")},
        ServerName("llama.cpp", "", "metrics llamacpp:", None, LLAMA),
    ),
    (
        {"/props": told({"build_info": "b", "total_slots": 1, "default_generation_settings": 1})},
        ServerName("llama.cpp", "b", LLAMA, 1, LLAMA),
    ),
    ({"/props": told({"total_slots": 4})}, ServerName()),
    ({"/props": told({"build_info": "b"})}, ServerName()),
    (
        {MODELS: owned_by("sglang", max_model_len=8192)},
        ServerName("SGLang", "", "owned_by sglang", None, "/get_server_info", CONTEXT),
    ),
    (
        {"/metrics": told("sglang:num_running_reqs 1\n")},
        ServerName("SGLang", "", "metrics sglang:", None, "/get_server_info"),
    ),
    (
        {"/get_server_info": told({"version": "0.5", "max_running_requests": 48})},
        ServerName("SGLang", "0.5", "/get_server_info", 48, "/get_server_info"),
    ),
    (
        {MODELS: owned_by("vllm", max_model_len=8192), "/version": told({"version": "1"})},
        ServerName("vLLM", "1", "owned_by vllm", None, "/metrics max_num_seqs", CONTEXT),
    ),
    (
        {"/metrics": told('vllm:a{b="max_num_seqs",max_num_seqs="7",c="9"} 1\n')},
        ServerName("vLLM", "", "metrics vllm:", 7, "/metrics max_num_seqs"),
    ),
    (
        {"/metrics": told('vllm:a{max_num_seqs="7"} 1\nvllm:b{max_num_seqs="8"} 1\n')},
        ServerName("vLLM", "", "metrics vllm:", 7, "/metrics max_num_seqs"),
    ),
    (
        {
            "/metrics": told('vllm:a{max_num_seqs="auto"} 1\n'),
            MODELS: owned_by("", max_model_len=1),
        },
        ServerName(
            *("vLLM", "", "metrics vllm:", None, "/metrics max_num_seqs"),
            {"max_model_len": "1 tokens"},
        ),
    ),
    (
        {"/info": told({"model_id": "m", "max_concurrent_requests": 128, "max_total_tokens": 0})},
        ServerName(
            *("TGI", "", "/info max_concurrent_requests", None, ""),
            {"max_concurrent_requests": "128"},
        ),
    ),
    (
        {
            "/metrics": told("tgi_batch_current_size 1\n"),
            "/info": told({"version": "3", "max_total_tokens": 9, "max_batch_total_tokens": 1}),
        },
        ServerName(
            *("TGI", "3", "metrics tgi_", None, ""),
            {"max_total_tokens": "9", "max_batch_total_tokens": "1"},
        ),
    ),
    ({"/metrics": told("# HELP x\ntgi_queue_size 1\n")}, ServerName("TGI", "", "metrics tgi_")),
    ({"/metrics": told("x_tgi_y 1\n")}, ServerName()),
    ({"/metrics": told("vllm:a 1\n", 500)}, ServerName()),
    (
        {"/api/v0/models": told({"data": [7, {"id": "m"}, {"state": "loaded"}]})},
        ServerName("LM Studio", "", "/api/v0/models"),
    ),
    ({"/api/v0/models": told({"data": [{"id": "m"}]})}, ServerName()),
    ({"/status": told({"modelDirPath": "p", "version": "0.9"})}, FOUNDRY_STATUS),
    ({"/status": told({"ModelCachePath": 1, "version": "0.9"})}, FOUNDRY_STATUS),
    (
        {"/openai/status": told({"pipeName": "x"})},
        ServerName("Foundry Local", "", "/openai/status"),
    ),
    ({"/api/version": told({"version": "0.12"})}, ServerName("Ollama", "0.12", "/api/version")),
    ({"/api/version": told({"version": 12})}, ServerName()),
    ({MODELS: told({"data": [{"id": "m"}, {"owned_by": "vllm"}]})}, ServerName()),
    ({MODELS: told({"data": [1, {"owned_by": "simulate"}]})}, SIMULATE),
]


@pytest.mark.parametrize("answers", WHOLE, ids=range(len(WHOLE)))
def test_all_that_is_known_of_a_server(answers: tuple[dict[str, Told], ServerName]) -> None:
    assert recognised(answers[0]) == answers[1]


def test_where_more_slots_are_set() -> None:
    assert ServerName("vLLM").more_slots == "--max-num-seqs of vLLM"
    assert ServerName().more_slots == "the server's setting for parallel requests"
    assert (ServerName().known, ServerName("vLLM").known) == (False, True)
