"""Realistic web logs, with their facts beside them.

A small shop and its API: visitors in sessions, crawlers, monitors, scanners, a daily and a weekly
rhythm, incidents, slow routes that cost orders, a share of broken lines and of re-sent ones.
The same specification gives the same bytes, whatever the number of threads.
"""

from loglode_generator.facts import FACTS_NAME, Facts, FileFacts, Incident
from loglode_generator.run import generate
from loglode_generator.spec import GenerateSpec

__all__ = ["FACTS_NAME", "Facts", "FileFacts", "GenerateSpec", "Incident", "generate"]
