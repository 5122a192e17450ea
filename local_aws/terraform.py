"""What Terraform's provider asks of AWS beside the pipeline itself, and the emulator does not answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.athena.responses import AthenaResponse
from moto.budgets.responses import BudgetsResponse
from moto.core.responses import ActionResult
from moto.sqs.models import Queue
from moto.stepfunctions.responses import StepFunctionResponse

from local_aws.patching import wrap

_ALLOWED = "redrive_allow_policy"


def patch() -> None:
    """Mends: definitions cannot be checked, nor versions, subscribers and tags be
    listed, nor saved queries be deleted; queues forget policies.
    """
    answers = {"result": "OK", "diagnostics": [], "truncated": False}
    _add(StepFunctionResponse, "validate_state_machine_definition", lambda _: ActionResult(answers))
    none: dict[str, Any] = {"stateMachineVersions": []}
    _add(StepFunctionResponse, "list_state_machine_versions", lambda _: ActionResult(none))
    _add(BudgetsResponse, "describe_subscribers_for_notification", _subscribers)
    _add(BudgetsResponse, "list_tags_for_resource", lambda _: json.dumps({"ResourceTags": []}))
    _add(AthenaResponse, "delete_named_query", _delete_query)
    wrap(Queue, "_set_attributes", _keeping)
    wrap(Queue, "KMS_ATTRIBUTES", lambda names: [*names, "RedriveAllowPolicy"])
    wrap(Queue, "attributes", lambda known: property(lambda queue: known.fget(queue) | _allowed(queue)))


def _add(owner: Any, name: str, answer: Callable[[Any], Any]) -> None:
    """What is there by now is not to be replaced. Raises AttributeError then."""
    if hasattr(owner, name):
        raise AttributeError(f"the emulator has changed: {owner!r} has {name}")
    setattr(owner, name, answer)


def _subscribers(request: Any) -> str:
    given = json.loads(request.body)
    budget = request.backend.budgets[given["AccountId"]][given["BudgetName"]]
    found = next(n for n in budget.notifications if n.details == given["Notification"])
    return json.dumps({"Subscribers": found.subscribers})


def _delete_query(request: Any) -> str:
    request.athena_backend.named_queries.pop(json.loads(request.body)["NamedQueryId"])
    return "{}"


def _keeping(change: Callable[..., None]) -> Callable[..., None]:
    """An attribute that is not named stays as it is."""

    def set_attributes(queue: Any, attributes: dict[str, Any], *rest: Any) -> None:
        policy = getattr(queue, "_policy_json", None)
        change(queue, attributes, *rest)
        if "Policy" not in attributes and policy:
            queue.policy = json.dumps(policy)

    return set_attributes


def _allowed(queue: Any) -> dict[str, str]:
    found = getattr(queue, _ALLOWED, None)
    return {"RedriveAllowPolicy": found} if found else {}
