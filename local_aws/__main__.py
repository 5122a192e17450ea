"""`python -m local_aws`: start the emulator, deploy the pipeline, say where, and run until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

from local_aws import (
    cloudwatch,
    crawlers,
    dispatch,
    functions,
    jobs,
    queues,
    redrives,
    rights,
    sandboxes,
    storage,
    terraform,
    troubles,
    waits,
)
from local_aws.deploy import Choices, deploy
from local_aws.notices import Notifier
from local_aws.queues import Poller

_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "AKIALOCAL",
    "AWS_SECRET_ACCESS_KEY": "a key of the emulator, not a secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def main() -> int:
    """Run until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__)
    parser.add_argument("--port", type=_port, default=5000, help="5000 otherwise")
    parser.add_argument("--trigger", default=Choices.trigger, help="handler of the trigger")
    parser.add_argument("--transform", default=Choices.transform, help="handler of the transform function")
    parser.add_argument("--max-lambda-bytes", type=int, default=Choices.max_lambda_bytes)
    parser.add_argument("--bare", action="store_true", help="deploy nothing: somebody else does")
    parser.add_argument("--rights", type=Path, help="enforce the policies of roles; a file for their calls")
    parser.add_argument("--openlineage", default=Choices.openlineage, help="where lineage events go")
    parser.add_argument("--batch-size", type=int, default=queues.BATCH, help="messages of a batch")
    parser.add_argument("--wait-share", type=float, default=0.01, help="of the waits between attempts")
    options = parser.parse_args()
    if _is_taken(options.port):
        parser.error(f"port {options.port} is taken; name another by --port")
    os.environ.update(_VARIABLES)
    os.environ["MOTO_PORT"] = str(options.port)
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    for module in (crawlers, dispatch, functions, cloudwatch, jobs, redrives, storage, troubles):
        module.patch()
    waits.patch(options.wait_share)
    if options.rights:
        rights.patch(options.rights)
    endpoint = f"http://127.0.0.1:{options.port}"
    server = ThreadedMotoServer("127.0.0.1", options.port, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # not a line for every request
    server.start()
    if options.bare:
        queues.patch(endpoint)
        terraform.patch()
        sys.stdout.write(json.dumps({"endpoint": endpoint}) + "\n")
        sys.stdout.flush()
        _wait()
        return 0
    choices = Choices(options.trigger, options.transform, options.max_lambda_bytes, options.openlineage)
    made = deploy(endpoint, choices)
    Poller(endpoint, made.queue, made.trigger, batch=options.batch_size).start()
    Notifier(endpoint, made.state_machine, made.topic).start()
    sys.stdout.write(made.as_json() + "\n")
    sys.stdout.flush()
    _wait()
    return 0


def _port(text: str) -> int:
    """A number that a port may have. Raises ArgumentTypeError."""
    if not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text!r} is no port")
    return int(text)


def _is_taken(port: int) -> bool:
    with socket.socket() as place:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            place.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _wait() -> None:
    """Until somebody ends it."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


if __name__ == "__main__":
    code = main()
    # What is under way is given up, as all that the emulator holds: executions might take minutes to end.
    sandboxes.end_all()
    os._exit(code)
