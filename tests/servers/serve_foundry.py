"""Serve the real Foundry Local runtime on loopback, offline: ``serve_foundry.py HOME``.

HOME/cache has a folder a model below ``Local`` (see foundry_runtime.py). The runtime takes its
catalog from ``foundry.modelinfo.json`` there when its own address cannot be fetched; that is a
server of this process that has nothing, so no start waits for the internet. Prints its URL; ends
with its standard input.
"""

from __future__ import annotations

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from foundry_local_sdk import Configuration, FoundryLocalManager, LogLevel


class Nothing(BaseHTTPRequestHandler):
    """The catalog that has no model."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_error(404)

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *args: Any) -> None:
        pass


def main(home: Path) -> None:
    catalog = ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=catalog.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{catalog.server_port}/asset-gallery/v1.0/models"
    FoundryLocalManager.initialize(
        Configuration(
            app_name="tailrace-tests",
            app_data_dir=str(home / "app"),
            model_cache_dir=str(home / "cache"),
            logs_dir=str(home / "logs"),
            log_level=LogLevel.ERROR,
            disable_nonessential_telemetry=True,
            catalog_urls=[(address, None)],
            web=Configuration.WebService(urls="http://127.0.0.1:0"),
        )
    )
    manager = FoundryLocalManager.instance
    manager.start_web_service()
    print(manager.urls[0], flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
