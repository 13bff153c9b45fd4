"""`bursar serve` and `bursar demo` as processes: start, stop, and every way of saying why not."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess

import httpx
import pytest

from bursar.cli.serving import listener_at
from tests.support.commands import SUPER_ADMIN, Shell, gone


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_soon_and_leaves_no_process(shell: Shell, number: signal.Signals) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("serve") as served:
        assert httpx.get(f"{served.url}/readyz").json()["status"] == "ok"
        family = served.family()
        assert any("postgres" in process.name() for process in family)

        code, seconds = served.stop(number)

    assert code == 0
    assert seconds < 10, "it takes a second or two; this bound is for a busy machine"
    assert gone(family)


def test_data_is_there_next_time_and_the_super_admin_is_not_asked_for_again(shell: Shell) -> None:
    body = {"name": "root", "password": SUPER_ADMIN["BURSAR_SUPER_ADMIN_PASSWORD"]}
    with shell.with_settings(**SUPER_ADMIN).serving("serve") as served:
        first = httpx.post(f"{served.url}/api/v1/session", json=body)
    with shell.serving("serve") as served:
        kept = httpx.get(f"{served.url}/api/v1/session", cookies=dict(first.cookies))

    assert first.status_code == 200
    assert kept.json()["person"]["username"] == "root"


def test_a_client_that_keeps_its_connection_open_does_not_delay_the_end(shell: Shell) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("serve") as served, httpx.Client() as client:
        client.get(f"{served.url}/healthz")
        with socket.create_connection(("127.0.0.1", served.port)) as half_open:
            half_open.sendall(b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n")
            code, seconds = served.stop(signal.SIGINT)

    assert code == 0
    assert seconds < 10


def test_without_a_terminal_a_missing_super_admin_is_refused_plainly(shell: Shell) -> None:
    result = shell.run("serve", "--port", "0")

    assert result.returncode == 1
    assert "Bursar has no super admin yet, and there is no terminal to ask for one." in result.stderr.splitlines()
    assert "hint: " in result.stderr
    assert "BURSAR_SUPER_ADMIN_PASSWORD" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_super_admin_from_the_environment_that_cannot_be_used_is_named(shell: Shell) -> None:
    result = shell.with_settings(**{**SUPER_ADMIN, "BURSAR_SUPER_ADMIN_PASSWORD": "short"}).run("serve", "--port", "0")

    assert result.returncode == 1
    assert "BURSAR_SUPER_ADMIN_PASSWORD cannot be used: A password has 8" in result.stderr
    assert "short" not in result.stderr.replace("too short", "")


def test_a_taken_port_is_told_before_anything_is_started(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = shell.run("serve", "--port", str(taken.getsockname()[1]))

    assert result.returncode == 1
    assert "is taken by another program" in result.stderr
    assert "--port" in result.stderr
    assert not shell.data_dir.exists()


def test_a_second_bursar_in_the_same_folder_joins_the_first(shell: Shell) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("serve") as first, shell.serving("serve") as second:
        body = {"name": "root", "password": SUPER_ADMIN["BURSAR_SUPER_ADMIN_PASSWORD"]}
        cookies = dict(httpx.post(f"{first.url}/api/v1/session", json=body).cookies)
        seen = httpx.get(f"{second.url}/api/v1/session", cookies=cookies)
        code, _ = second.stop(signal.SIGTERM)
        still = httpx.get(f"{first.url}/readyz")

    assert seen.status_code == 200
    assert code == 0
    assert still.status_code == 200


def test_a_data_folder_that_cannot_be_written_is_told_plainly(shell: Shell) -> None:
    shell.data_dir.parent.joinpath("file").write_text("in the way")

    result = Shell(shell.data_dir.parent / "file" / "data").run("serve", "--port", "0")

    assert result.returncode == 1
    assert "cannot be written to" in result.stderr
    assert "--data-dir" in result.stderr


def test_a_database_that_does_not_answer_is_told_plainly_and_without_its_password(shell: Shell) -> None:
    url = "postgresql://owner:very-secret@127.0.0.1:1/bursar"

    result = shell.with_settings(BURSAR_DATABASE_URL=url).run("serve", "--port", "0")

    assert result.returncode == 1
    assert "The database cannot be reached" in result.stderr
    assert "very-secret" not in result.stderr + result.stdout


def test_a_setting_that_cannot_be_used_is_named(shell: Shell) -> None:
    number = shell.with_settings(BURSAR_PORT="eighty").run("serve")
    missing = shell.with_settings(BURSAR_CONFIG="/nonexistent/bursar.toml").run("serve")

    assert (number.returncode, missing.returncode) == (1, 1)
    assert "BURSAR_PORT" in number.stderr
    assert "there is no such file" in missing.stderr


def test_settings_rise_from_file_to_environment_to_flag(shell: Shell) -> None:
    shell.data_dir.parent.joinpath("bursar.toml").write_text('port = 1\nhost = "203.0.113.1"\nsurprise = 1\n')
    configured = shell.with_settings(BURSAR_CONFIG=str(shell.data_dir.parent / "bursar.toml"))

    misspelt = configured.run("serve")
    shell.data_dir.parent.joinpath("bursar.toml").write_text('port = 1\nhost = "203.0.113.1"\n')
    from_file = configured.run("serve")
    from_environment = configured.with_settings(BURSAR_HOST="203.0.113.2").run("serve")
    from_flag = configured.with_settings(BURSAR_HOST="203.0.113.2").run("serve", "--host", "203.0.113.3")

    assert "surprise" in misspelt.stderr
    assert "203.0.113.1:1" in from_file.stderr
    assert "203.0.113.2:1" in from_environment.stderr
    assert "203.0.113.3:1" in from_flag.stderr


def test_the_secret_key_is_the_owners_alone(shell: Shell) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("serve"):
        mode = stat.S_IMODE(os.stat(shell.data_dir / "secret.key").st_mode)

    assert mode == 0o600


def test_the_log_tells_of_requests_and_of_no_secret(shell: Shell) -> None:
    settings = {**SUPER_ADMIN, "BURSAR_LOG_FORMAT": "json"}
    password = SUPER_ADMIN["BURSAR_SUPER_ADMIN_PASSWORD"]
    with shell.with_settings(**settings).serving("serve") as served:
        response = httpx.post(
            f"{served.url}/api/v1/session?token=hush-hush",
            json={"name": "root", "password": password},
            headers={"x-request-id": "seen-in-the-log", "authorization": "Bearer hush-hush"},
        )

    said = served.said
    assert '"request_id":"seen-in-the-log"' in said
    assert '"path":"/api/v1/session"' in said
    for secret in (password, "hush-hush", response.cookies["bursar_session"]):
        assert secret not in said


def test_the_demo_is_complete_and_quick_the_second_time(shell: Shell) -> None:
    with shell.serving("demo") as served:
        lines = [line.strip().removeprefix("try").strip() for line in served.said.splitlines()]
        with httpx.Client(base_url=served.url) as client:
            signed_in = client.post("/api/v1/session", json={"name": "dana", "password": "bursar-demo"})
            pool = client.get("/api/v1/pool").json()
            groups = client.get("/api/v1/groups").json()["groups"]
            aisha = client.get("/api/v1/members", params={"search": "aisha"}).json()["members"][0]
        tried = [subprocess.run(line, shell=True, capture_output=True, text=True, cwd=shell.data_dir.parent, check=True)
                 for line in lines if line.startswith("curl")]  # fmt: skip
        verified = shell.run("verify")
    with shell.serving("demo") as again, httpx.Client(base_url=again.url) as client:
        client.post("/api/v1/session", json={"name": "dana", "password": "bursar-demo"})
        pool_again = client.get("/api/v1/pool").json()
    refused = shell.run("demo", "--host", "0.0.0.0")

    assert "DEMO" in "\n".join(lines)
    assert signed_in.json()["person"]["display_name"] == "Dana Whitfield"
    assert [group["name"] for group in groups] == [
        "Default", "Research", "Platform Engineering", "Customer Support", "Growth & Marketing",
    ]  # fmt: skip
    assert (aisha["monthly"], aisha["used"], aisha["held"], aisha["remaining"]) == (
        "500.00",
        "465.83",
        "12.00",
        "22.17",
    )
    assert len(tried) == 2
    assert '"balance":"23150.00"' in tried[-1].stdout
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert pool_again == pool
    assert refused.returncode == 1
    assert "on this machine only" in refused.stderr


def test_the_demo_leaves_somebodys_own_bursar_alone(shell: Shell) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("serve"):
        pass

    result = shell.run("demo", "--port", "0")

    assert result.returncode == 1
    assert "holds a Bursar that is not the demo" in result.stderr


def test_an_accepted_connection_sends_at_once() -> None:
    with listener_at("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
