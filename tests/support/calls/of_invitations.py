"""Invitations: sent, sent again, taken back, and accepted by somebody who is nobody yet."""

from __future__ import annotations

from collections.abc import Mapping

from bursar.actions.invitations import Sent, Wanted, invite
from bursar.domain.ids import public_id
from bursar.domain.roles import Role
from tests.support.calls.scenes import PERSON, Call, Sample, Scene, unique
from tests.support.offices import PASSWORD

SITE = "https://bursar.example.com"


async def create_invitation(_: Scene) -> Call:
    return Call("POST", "/invitations", {"email": f"{unique()}@example.com", "note": "Welcome"})


async def send_again(scene: Scene) -> Call:
    return Call("POST", f"/invitations/{invitation_id(await sent(scene))}/resend")


async def take_back(scene: Scene) -> Call:
    return Call("DELETE", f"/invitations/{invitation_id(await sent(scene))}")


async def look_up(scene: Scene) -> Call:
    return Call("POST", "/invitation-look-up", {"token": token(await sent(scene))})


async def accept(scene: Scene) -> Call:
    person = {"username": f"joined-{unique()}", "display_name": "Joined", "password": PASSWORD}
    return Call("POST", "/invitation-acceptance", {"token": token(await sent(scene)), **person})


async def sent(scene: Scene) -> Sent:
    """An open invitation whose link is shown."""
    wanted = Wanted(f"{unique()}@example.com", Role.MEMBER)
    return (await invite(scene.house.desk, scene.operator, scene.tenant_id, wanted, site=SITE)).answer


def invitation_id(sent: Sent) -> str:
    return public_id("invitation", sent.invitation.invitation_id)


def token(sent: Sent) -> str:
    """What stands behind the # of the link."""
    assert sent.link is not None
    return sent.link.partition("#")[2]


SAMPLES: Mapping[str, Sample] = {
    "create_invitation": Sample(create_invitation, changes=frozenset({"email", "role", "group_id", "expires_at"})),
    "send_invitation_again": Sample(send_again, changes=frozenset({"expires_at"})),
    "take_back_invitation": Sample(take_back),
    "look_up_invitation_by_token": Sample(
        look_up, by=None, no_event="It changes nothing; a token must not stand in an address, so it is no GET."
    ),
    # Whoever repeats it is signed in by the repeat, as anybody is who knows the password.
    "accept_invitation_by_token": Sample(
        accept, by=None, changes=PERSON | {"member_id"}, told_again=frozenset({"signed_in", "signed_out"})
    ),
}
