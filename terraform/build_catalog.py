"""Write terraform/catalog.json, the tables as Glue's catalog shall know them: from a lake's own tables.

Only the models' results know the types of gold's columns, so the script builds a small lake and reads them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import deltalake

from loglode import operations
from loglode.context import open_lake
from loglode.models.model import load_models
from loglode.settings import Settings

TARGET = Path(__file__).with_name("catalog.json")
_TYPES = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}
# One request, and one line that is rejected: every table gets a row.
_LINES = (
    '{"timestamp": "2026-01-01T00:00:00Z", "method": "GET", "path": "/", "status": 200,'
    ' "remote_addr": "192.0.2.1", "response_time_ms": 5, "user_agent": "Firefox/140.0"}\nno log line\n'
)


def text() -> str:
    """The whole file."""
    with tempfile.TemporaryDirectory() as folder:
        source, root = Path(folder, "access.json"), Path(folder, "lake")
        source.write_text(_LINES, encoding="utf-8")
        settings = Settings.build(lake=root)
        operations.run(settings, [str(source)])
        found = dict(open_lake(settings).existing())
        tables = {name: _table(name, Path(str(place)), root) for name, place in sorted(found.items())}
    return json.dumps(tables, indent=2) + "\n"


def _table(name: str, place: Path, root: Path) -> dict[str, Any]:
    delta = deltalake.DeltaTable(place)
    partitions = delta.metadata().partition_columns
    model = next((m for m in load_models() if m.name == name and m.layer == "gold"), None)
    comments = dict(model.columns) if model else {}
    columns = [
        {
            "name": field["name"],
            "type": glue_type(field["type"]),
            "comment": _short(field["metadata"].get("comment") or comments.get(field["name"], "")),
        }
        for field in json.loads(delta.schema().to_json())["fields"]
    ]
    folder = place.relative_to(root).as_posix()
    return {
        "folder": folder,
        "layer": folder.split("/")[0],
        "description": model.description if model else delta.metadata().description,
        "columns": [column for column in columns if column["name"] not in partitions],
        "partition_keys": [column for column in columns if column["name"] in partitions],
    }


def glue_type(kind: Any) -> str:
    """A type of Delta's schema as Hive names it."""
    if isinstance(kind, str):
        return _TYPES.get(kind, kind)
    match kind["type"]:
        case "array":
            return f"array<{glue_type(kind['elementType'])}>"
        case "map":
            return f"map<{glue_type(kind['keyType'])},{glue_type(kind['valueType'])}>"
        case _:
            fields = ",".join(f"{f['name']}:{glue_type(f['type'])}" for f in kind["fields"])
            return f"struct<{fields}>"


def _short(comment: str) -> str:
    """Glue keeps 255 characters of a comment."""
    return comment if len(comment) <= 255 else comment[:252] + "..."


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
