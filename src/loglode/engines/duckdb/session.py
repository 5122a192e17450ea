"""DuckDB connections, set up in one place."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib import util
from pathlib import Path

import duckdb

from loglode.errors import LakeError, LoglodeError, MemoryShortError, UsageError
from loglode.refusals import refusal, refusal_in
from loglode.sdk import s3_access
from loglode.sql import literal, literals
from loglode.storage import Location, S3Path

# Rows of a partition that are held back before they are written; small, so that a batch over many
# days needs no more memory than one over few.
FLUSH_ROWS = 65536
# The size of a stream of lines is unknown, and the planner would take it for the small side of a join
# and hold all of it in memory; and a silver statement has no common subplans to look for.
_STREAMING = "join_order,build_side_probe_side,common_subplan"
# What these save is less than they take where lines are few.
_OF_MANY = "common_subexpressions,expression_rewriter,statistics_propagation"


def connect(*, memory_limit_mb: int, threads: int | None, temp_dir: Path) -> duckdb.DuckDBPyConnection:
    """A connection in memory that spills into `temp_dir`. Times are UTC."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory_limit_mb}MB",
            "temp_directory": str(temp_dir),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            # No table name means a variable of this process, and no secret is read from this disk.
            "python_enable_replacements": "false",
            "allow_persistent_secrets": "false",
            **({"threads": str(threads)} if threads else {}),
        }
    )
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"set partitioned_write_flush_threshold = {FLUSH_ROWS}")
    return connection


def restrict(
    connection: duckdb.DuckDBPyConnection, *, files: Sequence[str] = (), folders: Sequence[Location] = ()
) -> None:
    """Let the connection read and write these files, and what is in these folders, and nothing else.

    DuckDB adds the connection's spill folder. This cannot be undone. The pseudonymisation key is in no
    such folder, so no SQL can read it.
    """
    if any(isinstance(folder, S3Path) for folder in folders):
        connection.execute(f"load {literal(str(_httpfs()))}")  # cannot be loaded any more afterwards
    # Not as parameters: see `streaming`.
    for option, names in (("allowed_paths", files), ("allowed_directories", [f"{f}/" for f in folders])):
        connection.execute(f"set {option} = [{literals(names)}]")
    connection.execute("set enable_external_access = false")


# Of the memory, what DuckDB may account for while it streams; the rest goes to what it does not
# count: Arrow batches, and the vectors of many layers.
_STREAMING_SHARE = 4 / 7


def streaming(connection: duckdb.DuckDBPyConnection, *, is_on: bool, memory_limit_mb: int) -> None:
    """Plan for streams of lines, or for tables of known size."""
    limit = int(memory_limit_mb * _STREAMING_SHARE) if is_on else memory_limit_mb
    # Not as a parameter: for those duckdb imports pandas, where it is installed, and that takes 0.3 s.
    connection.execute(f"set disabled_optimizers = {literal(_STREAMING if is_on else '')}")
    connection.execute(f"set memory_limit = {literal(f'{limit:d}MB')}")


def plan_quickly(connection: duckdb.DuckDBPyConnection) -> None:
    """Plan for a stream of few lines, until `streaming` is set again."""
    connection.execute(f"set disabled_optimizers = {literal(f'{_STREAMING},{_OF_MANY}')}")


@contextlib.contextmanager
def one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Work with one thread where memory is short: each holds vectors of every layer."""
    ((threads,),) = connection.execute("select current_setting('threads')").fetchall()
    connection.execute("set threads = 1")
    try:
        yield
    finally:
        connection.execute(f"set threads = {threads:d}")


def allow_s3(connection: duckdb.DuckDBPyConnection, files: Iterable[Location]) -> None:
    """Let the connection read the files' buckets, with the SDK's credentials of this moment.

    Called before each reading, because credentials of a role run out. DuckDB shows no secret's text.
    """
    buckets = sorted({file.bucket for file in files if isinstance(file, S3Path)})
    if not buckets:
        return
    connection.execute(f"load {literal(str(_httpfs()))}")
    # Committed files never change, and each is read by several statements.
    connection.execute("set enable_http_metadata_cache = true")
    access = s3_access()
    scheme, _, host = (access.endpoint or "https://").partition("://")
    options = {
        "key_id": access.key_id,
        "secret": access.secret,
        "session_token": access.token,
        "region": access.region,
        "endpoint": host,
        "url_style": "path" if host else "",
    }
    texts = [f"{name} {literal(value)}" for name, value in options.items() if value]
    scope = ", ".join(literal(f"s3://{bucket}/") for bucket in buckets)
    connection.execute(
        f"create or replace secret loglode (type s3, provider config, use_ssl {scheme == 'https'},"
        f" scope [{scope}], {', '.join(texts)})"
    )


@contextlib.contextmanager
def s3_errors() -> Iterator[None]:
    """What S3 refuses DuckDB's own client, as our errors, which name the object. Raises StorageError."""
    try:
        yield
    except duckdb.HTTPException as error:
        text = str(error)
        place = _PLACE.search(text)
        what = place[1] if place else "S3"
        raise refusal_in(what, text) or refusal(what, "no such answer is known") from error


@contextlib.contextmanager
def engine_failures(what: str) -> Iterator[None]:
    """What the engine raises while it works on `what`, as our errors; refusals of S3 are left to `s3_errors`.

    Raises MemoryShortError, LakeError for a table's file that cannot be read, else LoglodeError. Of an error
    of the data only the class is passed on: the engine's own text shows the value, which a visitor wrote.
    """
    try:
        yield
    except duckdb.HTTPException:
        raise
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise MemoryShortError(f"memory did not suffice for {what}", hint=_MORE_MEMORY) from error
    except duckdb.IOException as error:
        raise LakeError(
            f"a file of a table cannot be read for {what}: {_one_line(error)}",
            hint="`loglode verify` names files that are gone; nothing was committed",
        ) from error
    except duckdb.Error as error:
        if _NO_MEMORY.search(str(error)):
            raise MemoryShortError(f"memory did not suffice for {what}", hint=_MORE_MEMORY) from None
        if not is_of_data(error):
            raise LoglodeError(f"the engine failed on {what}: {_one_line(error)}") from error
        raise LoglodeError(
            f"the engine failed on {what}: {type(error).__name__}",
            hint="nothing was committed; please report it with the version and the contract",
        ) from None


_MORE_MEMORY = "raise --memory-mb, or lower --threads where the process itself is limited"
# What the system refuses, in whatever class it arrives.
_NO_MEMORY = re.compile(
    r"[Ff]ailed to allocate|[Cc]ould not allocate|bad_alloc|Resource temporarily unavailable"
)

# Errors of the statement, the system or the user. All others are about a value.
_NOT_OF_DATA = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.PermissionException,
    duckdb.ConnectionException,
    duckdb.TransactionException,
    duckdb.FatalException,
)


def is_of_data(error: duckdb.Error) -> bool:
    """Whether the engine raises this for a value: the same statement succeeds on other lines."""
    return not isinstance(error, _NOT_OF_DATA) and not _NO_MEMORY.search(str(error))


def _one_line(error: duckdb.Error) -> str:
    return " ".join(str(error).split())[:300]


_PLACE = re.compile(r"'(https?://[^'?]+)")


def _httpfs() -> Path:
    """The extension as the package index ships it: loaded by its path, so nothing is downloaded."""
    spec = util.find_spec("duckdb_extension_httpfs")
    if spec is None or spec.origin is None:
        raise UsageError("S3 needs DuckDB's httpfs", hint="pip install 'loglode[aws]'")
    return next(Path(spec.origin).parent.rglob("httpfs.duckdb_extension"))
