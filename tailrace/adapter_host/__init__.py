"""The process that an adapter lives in: it loads one and serves it as an OpenAI chat stream.

Rule: it knows nothing of measuring, and what measures knows nothing of adapters: a host is a server
like any other, on loopback, for the one who holds its token.
Why: everything that holds for a model behind HTTP holds for an adapter, and its own work cannot
disturb the loop that takes the times.
"""
