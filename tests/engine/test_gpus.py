"""GPUs by way of a stand-in for NVML: this suite's machines have none, and nothing here says so."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tailrace.engine.gpus import Nvml, find_gpus


class StandInError(Exception):
    """In place of pynvml's NVMLError."""


class StandIn:
    """In place of the module ``pynvml``, with two devices: one tells all, one only its name."""

    NVMLError = StandInError
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, devices: int = 2, driver: bool = True) -> None:
        self._devices = devices
        self._driver = driver

    def nvmlInit(self) -> None:  # noqa: N802 - NVML's own name
        if not self._driver:
            raise StandInError("Driver Not Loaded")

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self._devices

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetName(self, handle: int) -> Any:  # noqa: N802
        return "Stand-in A" if handle == 0 else b"Stand-in B"

    def __getattr__(self, name: str) -> Any:
        told = {
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=8_000, used=3_000),
            "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=75, memory=20),
            "nvmlDeviceGetPowerUsage": 123_400,
            "nvmlDeviceGetTemperature": 61,
        }

        def ask(handle: int, *_: int) -> Any:
            if handle:
                raise StandInError("Not Supported")
            return told[name]

        if name not in told:
            raise AttributeError(name)
        return ask


def test_what_each_device_tells() -> None:
    gpus = Nvml(StandIn())
    assert gpus.about() == [
        {"name": "Stand-in A", "memory_bytes": 8_000},
        {"name": "Stand-in B", "memory_bytes": None},
    ]
    first, second = gpus.look()
    assert first == {
        **{"memory_bytes": 3_000, "utilisation": 0.75},
        **{"power_w": 123.4, "temperature_c": 61},
    }
    assert set(second.values()) == {None}


@pytest.mark.parametrize(
    ("library", "said"),
    [
        (StandIn(driver=False), "no NVIDIA GPU is seen here (Driver Not Loaded)"),
        (StandIn(devices=0), "NVML sees no GPU here"),
        (None, "pip install 'tailrace[gpu]'"),
    ],
)
def test_why_there_is_none(monkeypatch: pytest.MonkeyPatch, library: Any, said: str) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library)
    gpus, why = find_gpus()
    assert gpus is None
    assert said in why


def test_one_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", StandIn())
    gpus, why = find_gpus()
    assert gpus is not None
    assert why == ""


def test_the_real_library_has_what_is_asked_of_it() -> None:
    import pynvml

    for name in (
        *("nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex", "nvmlDeviceGetName"),
        *("nvmlDeviceGetMemoryInfo", "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetPowerUsage"),
        *("nvmlDeviceGetTemperature", "NVML_TEMPERATURE_GPU", "NVMLError"),
    ):
        assert hasattr(pynvml, name)
