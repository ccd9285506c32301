"""GPUs: memory, utilisation, power and temperature of each NVIDIA device, by NVML.

``nvidia-ml-py`` is the extra ``gpu``; without it, or without a driver, there is nothing to look at,
and the reason is said once. What a device does not tell (unified memory has no size of its own,
a virtual one no power) is None there, and the rest is still looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

Sample = dict[str, float | None]


class Gpus(Protocol):
    """What a look needs of them."""

    def about(self) -> list[dict[str, Any]]:
        """``name`` and ``memory_bytes`` of each device, in the order of the samples."""
        ...

    def look(self) -> list[Sample]:
        """``memory_bytes`` used, ``utilisation`` (0 to 1), ``power_w``, ``temperature_c``."""
        ...


class Nvml:
    """Gpus by way of NVML; ``library`` is the module ``pynvml``, or a stand-in for it."""

    def __init__(self, library: Any) -> None:
        """Raises the library's NVMLError where there is no driver."""
        self._library = library
        library.nvmlInit()
        count = library.nvmlDeviceGetCount()
        self._handles = [library.nvmlDeviceGetHandleByIndex(index) for index in range(count)]

    def about(self) -> list[dict[str, Any]]:
        """See Gpus.about."""
        library = self._library
        return [
            {
                "name": _text(self._told(library.nvmlDeviceGetName, handle)),
                "memory_bytes": self._told(
                    lambda of: library.nvmlDeviceGetMemoryInfo(of).total, handle
                ),
            }
            for handle in self._handles
        ]

    def look(self) -> list[Sample]:
        """See Gpus.look."""
        return [self._look(handle) for handle in self._handles]

    def _look(self, handle: Any) -> Sample:
        library = self._library
        milliwatts = self._told(library.nvmlDeviceGetPowerUsage, handle)
        percent = self._told(lambda of: library.nvmlDeviceGetUtilizationRates(of).gpu, handle)
        return {
            "memory_bytes": self._told(lambda of: library.nvmlDeviceGetMemoryInfo(of).used, handle),
            "utilisation": None if percent is None else percent / 100,
            "power_w": None if milliwatts is None else milliwatts / 1000,
            "temperature_c": self._told(
                lambda of: library.nvmlDeviceGetTemperature(of, library.NVML_TEMPERATURE_GPU),
                handle,
            ),
        }

    def _told(self, ask: Callable[[Any], Any], handle: Any) -> Any:
        try:
            return ask(handle)
        except self._library.NVMLError:
            return None


def _text(name: Any) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "GPU")


def find_gpus() -> tuple[Gpus | None, str]:
    """Those of this machine, or None and why there are none to look at."""
    try:
        library = import_module("pynvml")
    except ImportError:
        return (
            None,
            "GPUs are not looked at: `pip install 'tailrace[gpu]'` brings NVML's Python side",
        )
    try:
        gpus = Nvml(library)
    except library.NVMLError as exc:
        return None, f"no NVIDIA GPU is seen here ({exc})"
    return (gpus, "") if gpus.about() else (None, "NVML sees no GPU here")
