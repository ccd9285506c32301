"""llama.cpp's own HTTP server for one GGUF: ``python serve_gguf.py MODEL PORT [KEY]``.

A stand-in for ``llama-server -m MODEL --port PORT``, which no Python wheel brings: the same server,
the same words when a file cannot be loaded. It runs until it is ended.
"""

from __future__ import annotations

import sys
import threading

import xllamacpp


def main(model: str, port: str, *keys: str) -> None:
    """Serve, with two slots; only for who shows one of the keys, if there are any."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = int(port)
    params.n_parallel = 2
    params.n_ctx = 4096
    params.cpuparams.n_threads = 1
    params.n_threads_http = 32
    if keys:
        params.api_keys = list(keys)
    server = xllamacpp.Server(params)  # serves for as long as this name holds it
    print(f"serving on {server.listening_address}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
