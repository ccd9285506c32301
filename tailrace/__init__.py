"""tailrace: a load generator for streaming LLM endpoints whose numbers can be believed."""

__version__ = "0.1.0"
