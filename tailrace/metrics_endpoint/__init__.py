"""Metrics endpoint: a running load at ``/metrics``, served by a process of its own.

The run starts it (``beside.py``); it reads the run's files as they grow (``course.py``) and answers
scrapers (``scrapes.py``). Why a process is in docs/decisions/015-own-metrics.md.
"""
