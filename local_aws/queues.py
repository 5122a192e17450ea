"""SQS to Lambda: the emulator calls at once, a message a call, and never again. Here a queue is polled."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from moto.awslambda import models
from moto.sqs.models import sqs_backends

from local_aws import rights
from local_aws.patching import wrap

# Terraform's batches, gathered for a hundredth of the minute that it gives them.
BATCH = 200
WINDOW_SECONDS = 0.6
_MOST_A_CALL = 10
_VISIBILITY_SECONDS = 1


def patch(endpoint: str) -> None:
    """Mends: what a mapping of events names is called at once. Each gets a poller, while it lives."""
    pollers: dict[str, Poller] = {}

    def made(make: Callable[..., Any]) -> Callable[..., Any]:
        def create(backend: Any, spec: dict[str, Any]) -> Any:
            mapping = make(backend, spec)
            for queue in sqs_backends[backend.account_id][backend.region_name].queues.values():
                if queue.lambda_event_source_mappings.pop(mapping.function_arn, None):
                    url = f"{endpoint}/{queue.account_id}/{queue.name}"
                    role = backend.get_function(mapping.function_arn).role
                    pollers[mapping.uuid] = Poller(
                        endpoint, url, mapping.function_arn, role=role, batch=mapping.batch_size
                    )
                    pollers[mapping.uuid].start()
            return mapping

        return create

    def unmade(remove: Callable[..., Any]) -> Callable[..., Any]:
        def delete(backend: Any, uuid: str) -> Any:
            if uuid in pollers:
                pollers.pop(uuid).stop()
            return remove(backend, uuid)

        return delete

    wrap(models.LambdaBackend, "create_event_source_mapping", made)
    wrap(models.LambdaBackend, "delete_event_source_mapping", unmade)


class Poller(threading.Thread):
    """Hands batches of messages to a function until it is stopped; what it reports stays in the queue.

    After some deliveries the queue itself moves a message to its dead letters.
    """

    def __init__(
        self, endpoint: str, queue: str, function: str, *, role: str = "", batch: int = BATCH
    ) -> None:
        super().__init__(daemon=True)
        # Lambda takes messages with the function's rights.
        keys = rights.credentials(role, "service") if role and rights.are_on() else {}
        self._sqs = boto3.client("sqs", endpoint_url=endpoint, **rights.arguments(keys))
        # As long as a function may take, and no second call for one that takes long.
        patient = Config(read_timeout=900, retries={"total_max_attempts": 1})
        self._functions = boto3.client("lambda", endpoint_url=endpoint, config=patient)
        self._queue, self._function, self._batch = queue, function, batch
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.is_set():
            if found := self._received(self._batch):
                self._hand_over(self._gathered(found))
            else:
                self._stopped.wait(0.2)

    def _gathered(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What comes within the window, as many as a batch may hold."""
        end = time.monotonic() + WINDOW_SECONDS
        while (room := self._batch - len(found)) and time.monotonic() < end and not self._stopped.is_set():
            more = self._received(room)
            found += more
            if not more:
                self._stopped.wait(0.1)
        return found

    def _received(self, room: int) -> list[dict[str, Any]]:
        received = self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=min(room, _MOST_A_CALL), AttributeNames=["All"],
            VisibilityTimeout=_VISIBILITY_SECONDS * 60,
        )  # fmt: skip
        return list(received.get("Messages", []))

    def _hand_over(self, messages: list[dict[str, Any]]) -> None:
        answer = self._functions.invoke(
            FunctionName=self._function, Payload=json.dumps({"Records": [_record(m) for m in messages]})
        )
        told = json.loads(answer["Payload"].read() or b"{}")
        if answer.get("FunctionError"):
            failed = {m["MessageId"] for m in messages}
        else:
            failed = {item["itemIdentifier"] for item in told.get("batchItemFailures", ())}
        for message in messages:
            handle = {"QueueUrl": self._queue, "ReceiptHandle": message["ReceiptHandle"]}
            if message["MessageId"] in failed:
                self._sqs.change_message_visibility(**handle, VisibilityTimeout=_VISIBILITY_SECONDS)
            else:
                self._sqs.delete_message(**handle)


def _record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:events",
        "awsRegion": "us-east-1",
    }
