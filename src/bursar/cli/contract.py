"""The API's contract as it is committed."""

from __future__ import annotations

import json


def contract_text() -> str:
    """The contract as text with sorted keys, so that a change shows as itself."""
    # Here, because the API takes longer to import than most commands to run, and only this one prints it.
    from bursar.api.app import create_api

    return json.dumps(create_api().openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
