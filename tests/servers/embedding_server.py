"""llama.cpp's server for embeddings, in a process of its own: ``… MODEL ADDRESS``.

Rule: it writes its address into the file ADDRESS once it listens, and ends with its standard input.
"""

import os
import sys
import threading
from pathlib import Path

import xllamacpp


def main(model: str, note: str) -> None:
    """Serve until standard input closes."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = 2
    params.n_ctx = 4096
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.cpuparams.n_threads = 1
    server = xllamacpp.Server(params)  # serves for as long as this name holds it
    path = Path(note)
    path.with_suffix(".new").write_text(server.listening_address, encoding="ascii")
    path.with_suffix(".new").replace(path)
    threading.Thread(target=_leave, daemon=True).start()
    threading.Event().wait()


def _leave() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
