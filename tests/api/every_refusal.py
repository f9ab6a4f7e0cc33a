"""Every refusal's case in one place: the modules that tell them register them as they are imported."""

from __future__ import annotations

from typing import Final

from tests.api import (
    alert_refusals,
    correction_refusals,
    key_refusals,
    notification_refusals,
    once_refusals,
    role_refusals,
    term_refusals,
    webhook_refusals,
)
from tests.api.refusal_cases import CASES

TOLD_IN: Final = (
    alert_refusals,
    correction_refusals,
    key_refusals,
    notification_refusals,
    once_refusals,
    role_refusals,
    term_refusals,
    webhook_refusals,
)

__all__ = ["CASES"]
