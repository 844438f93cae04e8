"""What no description of a single request can say, for Schemathesis.

An idempotency key says that a request is an earlier one again, and is refused with another body: Schemathesis sends one
key with many bodies, in one run and in the next, so each begins with something of its own. A link cannot end in the
past: Schemathesis takes moments from earlier replies, so one that has passed is replaced by one that has not.
Policies have names that differ, limits whose numbers go together and exempt values that can be somebody's, and replace a
version that is in force: what is sent is made to. A voucher takes off a share or an amount; a page begins where another
ended; and a cart is changed in the version that it has. A room's history is read before a record, or after one,
and a position in its log has two numbers of 63 bits.
"""

import base64
import binascii
import re
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone

import schemathesis

KEY = "Idempotency-Key"
VALID_KEY = re.compile(r"[!-~]{1,128}")
VALID_NAME = re.compile(r"[0-9a-z-]{1,64}")
TAG = r'(W/)?"[^\x00-\x20"\x7f]*"'
VALID_TAGS = re.compile(rf"[ \t,]*({TAG}([ \t]*,[ \t,]*{TAG}){{0,63}}[ \t,]*)?[ \t]*")


def has_passed(moment):
    try:
        return datetime.fromisoformat(moment) <= datetime.now(timezone.utc)
    except (TypeError, ValueError):
        return False


@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get(KEY)
    if isinstance(key, str) and VALID_KEY.fullmatch(key):
        own = uuid.uuid4().hex
        case.headers[KEY] = own + key[len(own) :]
    if isinstance(case.body, dict) and has_passed(case.body.get("expires_at")):
        case.body["expires_at"] = "2999-12-31T23:59:59Z"


def is_number(value, at_most):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 1 <= value <= at_most


def fit(limit):
    """At most a million requests a second, and a burst of at most the requests."""
    if not isinstance(limit, dict) or not is_number(limit.get("window_ms"), 31 * 86_400_000):
        return
    if not is_number(limit.get("requests"), 1_000_000):
        return
    limit["requests"] = min(limit["requests"], limit["window_ms"] * 1_000)
    if is_number(limit.get("burst"), 1_000_000):
        limit["burst"] = min(limit["burst"], limit["requests"])


def fit_exempt(policy):
    """By an address each exempt value is one, and by `everyone` there is none."""
    key, exempt = policy.get("key"), policy.get("exempt")
    if not isinstance(exempt, list) or not all(isinstance(value, str) for value in exempt):
        return
    if key == "everyone":
        policy["exempt"] = []
    elif key == "address" or (isinstance(key, dict) and "ipv6_prefix" in key):
        policy["exempt"] = [f"192.0.2.{number % 256}" if len(value) <= 256 else value for number, value in enumerate(exempt)]


@schemathesis.hook("before_call")
def fit_policies(context, case, kwargs):
    tags = (case.headers or {}).get("If-Match")
    if case.path == "/policies" and isinstance(tags, str) and VALID_TAGS.fullmatch(tags):
        case.headers["If-Match"] = "*"
    policies = case.body.get("policies") if isinstance(case.body, dict) else None
    names = set()
    for number, policy in enumerate(policies if isinstance(policies, list) else []):
        if not isinstance(policy, dict):
            continue
        name = policy.get("name")
        if isinstance(name, str) and name in names and VALID_NAME.fullmatch(name):
            policy["name"] = f"{uuid.uuid4().hex}-{number}"
        names.add(str(name))
        fit_exempt(policy)
        for limit in policy.get("limits") if isinstance(policy.get("limits"), list) else []:
            fit(limit)


def is_cursor(text):
    """Whether a page may have ended there: an id of 16 bytes, and a name."""
    try:
        place = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        name = place[16:].decode()
    except (binascii.Error, ValueError):
        return False
    is_canonical = base64.urlsafe_b64encode(place).decode().rstrip("=") == text
    return is_canonical and 1 <= len(name) <= 200 and not re.search(r"[\x00-\x1f\x7f-\x9f]", name)


def current_tag(case):
    """The entity tag of the cart that a request changes; `None` if there is no such cart."""
    server, cart = case.as_transport_kwargs()["url"].split("/carts/", 1)
    try:
        with urllib.request.urlopen(f"{server}/carts/{cart.split('/')[0]}") as reply:
            return reply.headers["ETag"]
    except (urllib.error.URLError, ValueError):
        return None


@schemathesis.hook("before_call")
def fit_shop(context, case, kwargs):
    tag = (case.headers or {}).get("If-Match")
    if case.path.startswith("/carts/") and isinstance(tag, str) and re.fullmatch(rf"\d+|{TAG}", tag):
        case.headers["If-Match"] = current_tag(case) or '"0"'
    after = (case.query or {}).get("after")
    if case.path == "/products" and isinstance(after, str) and re.fullmatch("[0-9A-Za-z_-]{23,}", after):
        if not is_cursor(after):
            del case.query["after"]
    if case.path.startswith("/vouchers/") and isinstance(case.body, dict) and case.method == "PUT":
        if isinstance(case.body.get("amount_off"), dict):
            case.body.pop("percent_off", None)
        elif case.body.get("amount_off") is None and case.body.get("percent_off") is None:
            case.body["percent_off"] = 1


def is_position(text):
    """Whether a log may have it: an epoch from 1 on and a sequence, of 63 bits each."""
    epoch, sequence = (int(number) for number in text.split(":"))
    return 0 < epoch < 2**63 and sequence < 2**63


@schemathesis.hook("before_call")
def fit_rooms(context, case, kwargs):
    if case.path == "/rooms/{room}/messages" and {"before", "after"} <= set(case.query or {}):
        del case.query["after"]
    after = (case.query or {}).get("after")
    if case.path == "/rooms/{room}/socket" and isinstance(after, str) and re.fullmatch("[0-9]{1,19}:[0-9]{1,19}", after):
        if not is_position(after):
            case.query["after"] = "7:41"
