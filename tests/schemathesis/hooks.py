"""What no description of a single request can say, for Schemathesis.

An idempotency key says that a request is an earlier one again, and is refused with another body: Schemathesis sends one
key with many bodies, so one that was sent is replaced by a fresh one. A link cannot end in the past: Schemathesis takes
moments from earlier replies, so one that has passed is replaced by one that has not.
"""

import re
import uuid
from datetime import datetime, timezone

import schemathesis

KEY = "Idempotency-Key"
VALID_KEY = re.compile(r"[!-~]{1,128}")

sent = set()


def has_passed(moment):
    try:
        return datetime.fromisoformat(moment) <= datetime.now(timezone.utc)
    except (TypeError, ValueError):
        return False


@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get(KEY)
    if isinstance(key, str) and VALID_KEY.fullmatch(key):
        if key in sent:
            case.headers[KEY] = uuid.uuid4().hex
        sent.add(key)
    if isinstance(case.body, dict) and has_passed(case.body.get("expires_at")):
        case.body["expires_at"] = "2999-12-31T23:59:59Z"
