"""STAND-IN for RedriveExecution, which the emulator lacks: the same execution goes on where it failed.

For state machines without Map and Parallel, which ours is.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import ValidationException
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import EvaluationDetails, StateMachineDetails
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.responses import StepFunctionResponse

from local_aws.patching import add, wrap

_REDRIVABLE = (ExecutionStatus.FAILED, ExecutionStatus.TIMED_OUT, ExecutionStatus.ABORTED)


def patch() -> None:
    """Adds the call. To be taken out when the emulator has it, which `add` tells."""
    add(StepFunctionResponse, "redrive_execution", _answer)
    wrap(Execution, "to_history_output", _whole_history)


class _GoesOn(ExecutionWorker):
    """Begins at the state that was entered last, with what it was given."""

    def __init__(self, entered: dict[str, Any], details: EvaluationDetails, *rest: Any) -> None:
        machine = details.state_machine_details
        definition = json.dumps({**json.loads(machine.definition), "StartAt": entered["name"]})
        beginning = StateMachineDetails(machine.arn, machine.name, machine.typ, definition)
        whole = EvaluationDetails(details.aws_execution_details, details.execution_details, beginning)
        super().__init__(whole, *rest)
        self._entered = entered

    def _get_evaluation_environment(self) -> Environment:
        environment = super()._get_evaluation_environment()
        environment.states.reset(json.loads(self._entered["input"]))
        return environment


def _answer(response: Any) -> ActionResult:
    execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))  # noqa: SLF001
    told, token = {"redriveDate": execution.start_date}, response._get_param("clientToken")  # noqa: SLF001
    if token and getattr(execution, "redriven_by", None) == token:
        return ActionResult(told)  # the SDK asks again with its token where an answer was lost
    if execution.exec_status not in _REDRIVABLE:
        raise ValidationException(f"execution is {execution.status}, not redrivable")
    events = execution.to_history_output()["events"]
    entered = [e["stateEnteredEventDetails"] for e in events if "stateEnteredEventDetails" in e]
    details = EvaluationDetails(
        aws_execution_details=execution._get_start_aws_execution_details(),  # noqa: SLF001
        execution_details=execution.get_start_execution_details(),
        state_machine_details=execution.get_start_state_machine_details(),
    )
    execution.before, execution.redriven_by = events, token
    execution.error = execution.cause = None
    execution.exec_status = ExecutionStatus.RUNNING
    comm = execution._get_start_execution_worker_comm()  # noqa: SLF001
    execution.exec_worker = _GoesOn(entered[-1], details, comm, None, execution._activity_store)  # noqa: SLF001
    execution.exec_worker.start()
    return ActionResult(told)


def _whole_history(describe: Any) -> Any:
    """What came before a redrive belongs to the history, too."""

    def to_history_output(execution: Any) -> Any:
        told = describe(execution)
        return {**told, "events": [*getattr(execution, "before", ()), *told["events"]]}

    return to_history_output
