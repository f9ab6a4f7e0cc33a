"""How schemathesis writes our scalars, the texts of AUDIT_IDS among the ids, so that it finds something to change."""

from __future__ import annotations

import os

# The tool brings them; they are no part of our environment.
import schemathesis  # type: ignore[import-not-found]
from graphql import StringValueNode, parse_value
from hypothesis import strategies as st

IDS = os.environ["AUDIT_IDS"].split()
WORDS = ("Ada", "ada@example.com", "https://example.com/webhooks", "a key", "BULK_EMAIL", "tok_visa")


def string(text: str) -> StringValueNode:
    """Write a string of a document."""
    return StringValueNode(value=text)


names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
moments = st.datetimes().map(lambda at: f"{at.isoformat(timespec='seconds')}Z")
days = st.dates().map(str)
strategies = {
    "ID": (st.sampled_from(IDS) | st.sampled_from(IDS) | st.text(max_size=50)).map(string),
    "SafeString": (st.sampled_from(WORDS) | st.text(max_size=300)).map(string),
    "Decimal": st.decimals(-(10**9), 10**9, places=2).map(str).map(string),
    "Date": (st.sampled_from(["2026-09-10", "2026-10-01"]) | days).map(string),
    "DateTime": (st.sampled_from(["2026-09-10T10:00:00Z", "2026-09-12T00:00:00Z"]) | moments).map(string),
    "Quantity": (st.integers(0, 5) | st.integers()).map(str).map(parse_value),
    "Properties": st.dictionaries(names, names, max_size=3).map(
        lambda held: parse_value("{" + ", ".join(f'{name}: "{text}"' for name, text in held.items()) + "}")
    ),
}
for name, strategy in strategies.items():
    schemathesis.graphql.scalar(name, strategy)
