"""The examples of docs/guides/metering.md do what the guide says, from its first to its last."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

from scripts.checkout import ROOT
from tests.support.callers import check_books
from tests.support.metering import Meter

_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(language: str) -> list[str]:
    """The guide's examples in this language, in order."""
    text = (ROOT / "docs/guides/metering.md").read_text(encoding="utf-8")
    return [match["code"] for match in _FENCE.finditer(text) if match["language"] == language]


async def test_the_examples_for_python_run_one_after_another(meter: Meter) -> None:
    names: dict[str, Any] = {
        "url": meter.house.url,
        "api_key": meter.secret,
        "member": meter.place.member_id,
        "write_report": lambda: 4,
        "Decimal": Decimal,
    }
    clients = []
    for code in examples("python"):
        compiled = compile(code, "the guide", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if "await " in code:
            running = eval(compiled, names)
            assert isinstance(running, Coroutine)
            await running
        else:
            await asyncio.to_thread(exec, compiled, names)
            clients.append(names["client"])

    # 1.00 for the report, 0.25 for the search, 1.75 in the asynchronous one; what could not be paid was not charged.
    assert await meter.left() == "7.00"
    assert names["balance"].spendable == Decimal(7)
    assert [row["label"] for row in await meter.usage()] == ["Report", "Search", "Report"]
    clients[0].close()


async def test_the_examples_for_the_command_line_run_one_after_another(meter: Meter) -> None:
    cookie = (await meter.admin.get("/api/v1/session")).request.headers["cookie"]
    hold_id = ""
    answers = []
    for code in examples("sh"):
        for command in re.findall(r"^curl .*?(?<!\\)$", code, re.MULTILINE | re.DOTALL):
            answer = await _asked(meter, command, cookie=cookie, hold_id=hold_id)
            hold_id = answer["id"] if answer.get("id", "").startswith("hld_") else hold_id
            answers.append(answer)

    key, charge, hold, settled = answers
    assert key["secret"].startswith("mk-bursar-")
    assert (charge["charged"], hold["amount"], settled["charged"]) == ("0.25", "2.50", "1.75")
    assert hold["metadata"] == {"report": "8"}
    assert await meter.left() == "8.00"
    await check_books(meter.house, meter.place.tenant_id)


async def _asked(meter: Meter, command: str, *, cookie: str, hold_id: str) -> dict[str, Any]:
    """What a command of the guide is answered, with the ids and the secret of this test in their places."""
    for placeholder, value in (
        ("-sb jar", f"-s -H 'Cookie: {cookie}'"), ("mem_...", meter.place.member_id), ("hld_...", hold_id),
    ):  # fmt: skip
        command = command.replace(placeholder, value)
    script = f"URL={meter.house.url}/api/v1; KEY='Authorization: Bearer {meter.secret}'; {command}"
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    answer: dict[str, Any] = json.loads(printed)
    assert process.returncode == 0, printed
    assert "code" not in answer, answer
    return answer
