"""Code that ends a process of the tests at a chosen step."""

from __future__ import annotations

# The process dies at the n-th time that something is about to be, or has just been, done.
DIE = """
import os
from loglode.lake import committer
from loglode.loading import bronze_to_silver
from loglode.pipeline import replay

def dying(function, name_of):
    def wrapped(*args, **kwargs):
        if MOMENT == "before":
            die_at(name_of(*args))
        result = function(*args, **kwargs)
        if MOMENT == "after":
            die_at(name_of(*args))
        return result
    return wrapped

def die_at(name):
    global NUMBER
    if name in NAMES or not NAMES:
        NUMBER -= 1
        if not NUMBER:
            os._exit(99)
"""
ON_COMMIT = """
committer.try_commit = dying(committer.try_commit, lambda snapshot, _: snapshot.table.spec.name)
"""
ON_PUBLISH = """
bronze_to_silver.publish = dying(bronze_to_silver.publish, lambda table, _: table.spec.name)
replay.publish = bronze_to_silver.publish
"""
ON_CREATE = """
import deltalake
class Dying(deltalake.DeltaTable):
    create = staticmethod(dying(deltalake.DeltaTable.create, lambda *_: "any"))
deltalake.DeltaTable = Dying
"""


def dying(moment: str, names: list[str], number: int, where: str = ON_COMMIT) -> str:
    """Code for `start`: the process exits with 99 "before" or "after" the n-th step that concerns these tables."""
    return f"MOMENT, NAMES, NUMBER = {moment!r}, {names!r}, {number}\n{DIE}{where}"
