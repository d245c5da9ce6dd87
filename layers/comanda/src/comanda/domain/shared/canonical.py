"""One text for one value: the JSON of message bodies and of payload hashes.

Content-based deduplication compares bodies by their SHA-256 ("Using the message deduplication ID in Amazon SQS"), so
equal values must give equal bytes, whatever the order of their keys.
"""

import hashlib
import json


def canonical_json(value: object) -> str:
    """Sorted keys, no blanks, no NaN, and text as it is. Decimals must have been turned into text before."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: object) -> str:
    """Lower-case hex SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
