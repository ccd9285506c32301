"""A scripted LLM endpoint: known delays, known faults, and the truth of every write.

Rule: nothing here imports the rest of the package.
Why: what judges a measurement must not share code with what measures.
"""

from tailrace.simulate.faults import CATALOGUE, Fault
from tailrace.simulate.launch import Endpoint, background, endpoint, run
from tailrace.simulate.script import Plan, Script, plan, script_from, script_values
from tailrace.simulate.server import serve

__all__ = [
    "CATALOGUE",
    "Endpoint",
    "Fault",
    "Plan",
    "Script",
    "background",
    "endpoint",
    "plan",
    "run",
    "script_from",
    "script_values",
    "serve",
]
