"""Every dialect that streams, and what the scripted endpoint's answer in it is like."""

STREAMED = (
    "openai-chat",
    "openai-completions",
    "openai-responses",
    "anthropic-messages",
    "ollama-chat",
    "ollama-generate",
    "llamacpp-completion",
)
FINISH = {
    "openai-responses": "max_output_tokens",
    "anthropic-messages": "max_tokens",
    "llamacpp-completion": "limit",
}
"""What each says of an answer that was cut at its limit; the others say ``length``."""
