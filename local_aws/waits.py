"""Step Functions' waits between attempts, shortened: nobody wants to sit through them on a laptop."""

from __future__ import annotations

import time
from types import SimpleNamespace

from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

from local_aws.patching import replace


def patch(share: float) -> None:
    """Wait only a share of what the state machine says. Timeouts stay as they are."""
    real = time.sleep
    replace(retrier_decl, "time", SimpleNamespace(sleep=lambda seconds: real(seconds * share)))
