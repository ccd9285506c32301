"""One line when it is up, a clean end, and no child left behind."""

import asyncio
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tailrace.simulate import Script, background, serve
from tailrace.simulate.launch import LINE, UNTIL_EOF, loop_factory, main
from tailrace.simulate.server import base_url


def launch(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tailrace.simulate", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_it_cleanly(loop: str, number: signal.Signals) -> None:
    with launch("{}", "0", loop) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert line.startswith("tailrace simulate: listening on http://127.0.0.1:")
        assert line.endswith("/v1\n")
        child.send_signal(number)
        rest, errors = child.communicate(timeout=5)
    assert (child.returncode, rest, errors) == (0, "", "")


def test_end_of_stdin_stops_it_with_clients_open(loop: str) -> None:
    with launch('{"ttft_ns":9000000000}', "0", loop, UNTIL_EOF) as child:
        assert child.stdout is not None
        url = child.stdout.readline().removeprefix(LINE).strip()
        with httpx.Client(base_url=url, verify=False) as client:
            assert client.get("models").status_code == 200
            rest, errors = child.communicate(timeout=5)
    assert (child.returncode, rest, errors) == (0, "", "")


@pytest.mark.parametrize(
    "arguments",
    [["{"], ["[]"], ['{"speed":1}'], ["{}", "port"], ["{}", "0", "loop"]],
)
def test_bad_arguments_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("tailrace simulate: ")


def test_background_ends_its_child(loop: str) -> None:
    with background(loop=loop) as url:
        assert httpx.get(url + "/models", verify=False).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + "/models", verify=False)


def test_background_says_when_the_port_is_taken() -> None:
    with background() as url:
        port = int(url.split(":")[2].removesuffix("/v1"))
        with pytest.raises(RuntimeError, match="did not start"), background(port=port):
            pass


def test_serve_in_this_process(loop: str) -> None:
    urls: list[str] = []
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:

        async def serve_a_while() -> None:
            task = asyncio.ensure_future(serve(Script(), ready=urls.append))
            while not done.is_set():
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        def ask() -> None:
            while not urls:
                time.sleep(0.005)
            found.append(httpx.get(urls[0] + "/models", verify=False).status_code)
            done.set()

        found: list[int] = []
        done = threading.Event()
        thread = threading.Thread(target=ask)
        thread.start()
        runner.run(serve_a_while())
        thread.join()
    assert found == [200]


def test_unknown_loop() -> None:
    with pytest.raises(ValueError, match="unknown loop"):
        loop_factory("twisted")


def test_base_url_of_ipv6() -> None:
    assert base_url("::1", 80) == "http://[::1]:80/v1"
