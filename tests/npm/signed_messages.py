"""Messages signed as deliveries are, some of them spoilt, for a library of another language to judge.

`make audit` pipes them into `verify_webhook.mjs`.
"""

from __future__ import annotations

import json
import sys
import time
from base64 import b64encode
from secrets import token_bytes
from uuid import uuid4

from adapters.webhooks_out import signed

BODY = '{"type":"invoice.paid","timestamp":"2026-09-01T09:00:00Z","data":{"invoice":{"number":1,"of":"Zoë & Søn"}}}'
OLD_SECONDS = 600


def main() -> None:
    """Write one message a line."""
    new, old, other = (f"whsec_{b64encode(token_bytes(32)).decode()}" for _ in range(3))
    now = int(time.time())

    def tell(
        name: str, *, by: str, secrets: tuple[str, ...], at: int = now, body: str = BODY, good: bool
    ) -> None:
        headers = signed(BODY.encode(), message_id=uuid4(), timestamp=at, secrets=secrets)
        message = {"name": name, "secret": by, "headers": headers, "body": body, "isGood": good}
        sys.stdout.write(f"{json.dumps(message)}\n")

    tell("one secret", by=new, secrets=(new,), good=True)
    tell("the new secret during a rotation", by=new, secrets=(new, old), good=True)
    tell("the old secret during a rotation", by=old, secrets=(new, old), good=True)
    tell("the old secret after a rotation", by=old, secrets=(new,), good=False)
    tell("a stranger's secret", by=other, secrets=(new, old), good=False)
    tell("a body that was changed", by=new, secrets=(new,), body=BODY.replace("1", "2"), good=False)
    tell("a message of ten minutes ago", by=new, secrets=(new,), at=now - OLD_SECONDS, good=False)


if __name__ == "__main__":
    main()
