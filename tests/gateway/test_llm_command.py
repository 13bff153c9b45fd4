"""The `llm` command, pointed at Bursar as its documentation says one points it at anything that speaks OpenAI's way."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.support.models import studio
from tests.support.offices import TestOffice


@pytest.mark.rule("CALL-1", "CALL-5")
@pytest.mark.parametrize("options", [[], ["--no-stream"]])
async def test_the_llm_command_asks_and_is_charged(house: TestOffice, tmp_path: Path, options: list[str]) -> None:
    acme = await studio(house)
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: bursar\n  model_name: simulated-small\n  api_base: {house.url}/v1\n  api_key_name: bursar\n"
    )
    environment = {**os.environ, "LLM_USER_PATH": str(tmp_path), "PYTHONUTF8": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "llm", "-m", "bursar", "--key", acme.key, *options, "Say hello."),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    await acme.has_settled()

    assert said.decode().strip() == "This is a simulated answer to: Say hello."
    (row,) = await acme.rows()
    assert (row["credits_micro"], row["is_streamed"]) == (1_400_000, not options)
    await acme.check()
