"""Peers: other load generators, each a file that says how it is installed, asked and read.

Rule: the standard library alone, and no process is started here. One that cannot take part stays
in `ABSENT` with the reason.
Why: a comparison that leaves out who did not fit is a comparison of those who did.
"""

from peer.aiperf import AIPERF
from peer.evalscope import EVALSCOPE
from peer.guidellm import GUIDELLM
from peer.inference_perf import INFERENCE_PERF
from peer.shape import Job, Peer, Said

PEERS = (GUIDELLM, AIPERF, INFERENCE_PERF, EVALSCOPE)
ABSENT = {
    "vllm bench serve": "comes only with vllm itself: many gigabytes of GPU runtime for one client",
}

__all__ = ["ABSENT", "PEERS", "Job", "Peer", "Said"]
