"""Commands that do one thing: tenants, credits, proofs, the schema."""

from __future__ import annotations

from bursar import __version__
from tests.support.commands import SUPER_ADMIN, Shell

TENANT_ADMIN = {"BURSAR_TENANT_ADMIN_PASSWORD": "long enough"}


def test_the_version_needs_no_database(shell: Shell) -> None:
    result = shell.run("version")

    assert (result.returncode, result.stdout) == (0, f"{__version__}\n")
    assert not shell.data_dir.exists()


def test_credits_move_from_the_command_line_beside_a_running_server(shell: Shell) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("demo"):
        allocated = shell.run("ledger", "allocate", "keiko.sato", "12.50", "--note", "by hand", "--key", "once")
        again = shell.run("ledger", "allocate", "keiko.sato", "12.50", "--note", "by hand", "--key", "once")
        held = shell.run("ledger", "hold", "keiko.sato", "5")
        hold_id = held.stdout.split()[0]
        settled = shell.run("ledger", "settle", "keiko.sato", hold_id, "3.2")
        other = shell.run("ledger", "settle", "keiko.sato", hold_id, "4")
        explained = shell.run("explain", "keiko.sato")
        of_hold = shell.run("explain", hold_id)
        of_pool = shell.run("explain", "pool")
        verified = shell.run("verify", "--tenant", "acme robotics")

    assert allocated.returncode == 0, allocated.stderr
    assert "pool 23137.50, keiko.sato 262.50" in allocated.stdout
    assert again.stdout == allocated.stdout
    assert "open, 5.00 held" in held.stdout
    assert "settled, 3.20 charged" in settled.stdout
    assert (other.returncode, "another cost" in other.stderr) == (1, True)
    assert "by hand" in explained.stdout
    assert "balance 262.50, held 0.00" in explained.stdout
    assert hold_id in of_hold.stdout
    assert of_pool.stdout.rstrip().endswith("The pool has 23137.50, of which 0.00 is held.")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_tenants_are_created_funded_and_listed_without_a_server(shell: Shell) -> None:
    manager = shell.with_settings(**TENANT_ADMIN)
    too_early = manager.run("tenants", "create", "Initech", "--admin", "bill")
    with shell.with_settings(**SUPER_ADMIN).serving("serve"):
        pass

    created = manager.run("tenants", "create", "Initech", "--admin", "bill", "--credits-per-cycle", "100")
    taken = manager.run("tenants", "create", "Initrode", "--admin", "bill")
    granted = shell.run("tenants", "grant", "initech", "500")
    raised = shell.run("tenants", "set-total", "initech", "750.50", "--note", "as agreed")
    suspended = shell.run("tenants", "suspend", "initech", "--note", "unpaid")
    listed_suspended = shell.run("tenants", "list")
    resumed = shell.run("tenants", "resume", "initech")
    listed = shell.run("tenants", "list")
    unknown = shell.run("tenants", "grant", "Globex", "500")
    too_fine = shell.run("tenants", "grant", "initech", "0.001")

    assert (too_early.returncode, "has no super admin yet" in too_early.stderr) == (1, True)
    assert created.returncode == 0, created.stderr
    assert created.stdout.splitlines()[1:] == ["Calls charge 100.00 credits per US dollar."]
    assert (taken.returncode, taken.stderr.splitlines()[0]) == (1, "This username is in use already.")
    assert granted.stdout == "Initech has 500.00 in its pool.\n"
    assert raised.stdout == "Initech has a total of 750.50, before 500.00.\n"
    assert (suspended.stdout, resumed.stdout) == ("Initech is suspended.\n", "Initech is active.\n")
    assert listed_suspended.stdout.split()[1:] == ["suspended", "Initech"]
    assert [line.split(maxsplit=2)[1:] for line in listed.stdout.splitlines()] == [["active", "Initech"]]
    assert created.stdout.split()[0] == listed.stdout.split()[0]
    assert unknown.returncode == 1
    assert unknown.stderr == "There is no tenant 'Globex'.\n  field: tenant\n"
    assert too_fine.returncode == 1
    assert too_fine.stderr == "The amount may have at most 2 decimals.\n  field: amount\n  decimals_max: 2\n"


def test_codes_are_issued_listed_and_revoked_from_the_command_line(shell: Shell) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("serve"):
        words = ("codes", "issue", "--count", "3", "--value", "12.50", "--expires", "2030-12-31", "--note", "Fair")
        issued = shell.run(*words, "--key", "once")
        again = shell.run(*words, "--key", "once")
        reused = shell.run("codes", "issue", "--count", "1", "--value", "1", "--key", "once")
        malformed = shell.run("codes", "issue", "--count", "1", "--value", "1", "--expires", "soon")
        listed = shell.run("codes", "list", "--state", "open")
        code_id, batch_id = listed.stdout.split()[:2]
        one = shell.run("codes", "revoke", code_id)
        rest = shell.run("codes", "revoke", batch_id)
        twice = shell.run("codes", "revoke", code_id)
        left = shell.run("codes", "list", "--batch", batch_id)

    codes = issued.stdout.splitlines()
    assert [len(code) for code in codes] == [27] * 3, issued.stderr
    assert again.stdout == issued.stdout
    assert (reused.returncode, malformed.returncode) == (1, 1)
    assert "  field: expires\n" in malformed.stderr
    rows = [line.split() for line in listed.stdout.splitlines()]
    assert {row[2] for row in rows} == {code[-4:] for code in codes}
    assert {tuple(row[3:]) for row in rows} == {("open", "12.50", "2030-12-31T00:00Z", "-", "Fair")}
    assert one.stdout == f"The code ending in {rows[0][2]} is revoked; it was worth 12.50.\n"
    assert rest.stdout == "2 codes revoked, worth 25.00.\n"
    assert (twice.returncode, twice.stderr.splitlines()[0]) == (1, "This code was taken back by whoever issued it.")
    assert [line.split()[3] for line in left.stdout.splitlines()] == ["revoked"] * 3


def test_the_schema_is_missing_until_it_is_migrated(shell: Shell) -> None:
    before = shell.run("db", "status")
    migrated = shell.run("db", "migrate")
    after = shell.run("db", "status")

    assert before.returncode == 1
    assert "missing: 0001 platform" in before.stdout
    assert migrated.returncode == 0, migrated.stderr
    assert after.returncode == 0
    assert "missing" not in after.stdout


def test_usage_is_added_up_anew_beside_a_running_server(shell: Shell) -> None:
    with shell.with_settings(**SUPER_ADMIN).serving("demo"):
        rebuilt = shell.run("usage", "rebuild")
        of_one = shell.run("usage", "rebuild", "--tenant", "acme robotics")
        of_nobody = shell.run("usage", "rebuild", "--tenant", "nobody")
        verified = shell.run("verify", "--tenant", "acme robotics")

    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "Acme Robotics: the calls of " in rebuilt.stdout
    assert of_one.stdout.startswith("Acme Robotics: the calls of ")
    assert of_one.stdout.count("\n") == 1
    assert (of_nobody.returncode, "no tenant" in of_nobody.stderr) == (1, True)
    assert verified.returncode == 0, verified.stdout + verified.stderr
