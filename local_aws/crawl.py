"""Columns of a lake's tables as JSON. A process of its own: deltalake holds Python's lock while it asks a
server, which would wait for ever for one in the same process."""

from __future__ import annotations

import json
import sys

from loglode import operations
from loglode.settings import Settings

if __name__ == "__main__":
    sys.stdout.write(json.dumps(operations.columns(Settings.build(lake=sys.argv[1]))) + "\n")
