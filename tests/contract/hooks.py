"""What the fuzzer puts in the place of made-up ids: ids of what there is, so that calls get past *not found*.

Loaded by schemathesis in its own process; the ids come in the environment, as a list for each kind of id.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import schemathesis

KNOWN: dict[str, list[str]] = json.loads(os.environ.get("BURSAR_FUZZ_IDS", "{}"))
TENANT = os.environ.get("BURSAR_FUZZ_TENANT")
"""The tenant that a super admin names; everybody else is in one."""

PUBLIC_ID = re.compile(r"([a-z]{3})_[0-9a-f]{32}")


def _known(value: Any) -> Any:
    """An id that fits the pattern becomes one that exists, three times in four; the rest stays a stranger's."""
    if isinstance(value, dict):
        return {name: _known(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_known(part) for part in value]
    match = PUBLIC_ID.fullmatch(value) if isinstance(value, str) else None
    ids = KNOWN.get(match[1]) if match else None
    if not ids:
        return value
    number = int(value[4:], 16)
    return value if number % 4 == 3 else ids[number % len(ids)]


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Ids in the path."""
    return _known(path_parameters)


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    """Ids in the query. A tenant that could be meant is the one in which something is found, or is left out."""
    named = query.get("tenant_id") if isinstance(query, dict) else None
    if isinstance(named, str) and PUBLIC_ID.fullmatch(named):
        query = {name: value for name, value in query.items() if name != "tenant_id"}
        if TENANT:
            query["tenant_id"] = TENANT
    return _known(query)


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Ids in the body."""
    return _known(body)
