"""Who is in the demo and what they have, as data. All of it is made up; `.example` addresses reach nobody."""

from __future__ import annotations

from dataclasses import dataclass

TENANT = "Acme Robotics"
DOMAIN = "acme-robotics.example"
PASSWORD = "bursar-demo"  # noqa: S105  public on purpose: the demo is served on the loopback only
SUPER_ADMIN = "demo-operator"
TENANT_ADMIN = ("dana", "Dana Whitfield")
GRANT = "20000.00"
PER_CYCLE = "105000.00"


@dataclass(frozen=True)
class DemoMember:
    """One member: the allowance per cycle, what was allocated on top, and what has been used."""

    name: str
    monthly: str
    used: str | None
    allocated: str | None = None
    role: str = "member"
    job_title: str | None = None
    is_service_account: bool = False

    @property
    def username(self) -> str:
        return self.name.lower().replace(" ", ".")

    @property
    def email(self) -> str | None:
        return None if self.is_service_account else f"{self.username}@{DOMAIN}"


@dataclass(frozen=True)
class DemoGroup:
    """One group: its budget per cycle, credits on top, and its members."""

    name: str
    monthly: str
    members: tuple[DemoMember, ...]
    allocated: str | None = None


_M = DemoMember

GROUPS: tuple[DemoGroup, ...] = (
    DemoGroup(
        "Default", "12000.00",
        (
            _M("Aisha Okafor", "500.00", "465.83", job_title="Account Manager"),
            _M("Ben Lindqvist", "250.00", "45.46"),
            _M("Farid Rahman", "1000.00", "520.80", role="admin", job_title="Office Manager"),
            _M("Keiko Sato", "500.00", "180.13", "250.00", job_title="Controller"),
            _M("Liam Byrne", "1000.00", "520.47", "250.00"),
            _M("Omar Farouk", "1500.00", "1395.99", "250.00"),
            _M("Priya Nair", "2000.00", "1180.25", job_title="Data Analyst"),
        ),
        "500.00",
    ),
    DemoGroup(
        "Research", "45000.00",
        (
            _M("Amara Diallo", "9000.00", "4210.77", job_title="Research Lead"),
            _M("Chen Wei", "8000.00", "3120.40", "500.00", job_title="Research Engineer"),
            _M("Hannah Schmidt", "7500.00", "2204.91", job_title="Research Engineer"),
            _M("Lucas Moreau", "5000.00", "1073.52"),
        ),
    ),
    DemoGroup(
        "Platform Engineering", "28000.00",
        (
            _M("Elena Garcia", "6000.00", "2950.08", job_title="Platform Lead"),
            _M("Jonas Weber", "6000.00", "1877.35", job_title="Site Reliability Engineer"),
            _M("Nina Petrova", "5000.00", "1210.64"),
            _M("Yusuf Demir", "4000.00", "559.93"),
            _M("Nightly Evaluation", "0.00", None, is_service_account=True),
        ),
    ),
    DemoGroup(
        "Customer Support", "9000.00",
        (
            _M("Grace Kim", "2000.00", "811.20", job_title="Support Lead"),
            _M("Sofia Rossi", "2000.00", "524.66", "100.00"),
        ),
    ),
    DemoGroup("Growth & Marketing", "7000.00", (_M("Tomas Novak", "1500.00", "214.90", job_title="Campaign Planner"),)),
)  # fmt: skip

UNDER_WAY = (("Aisha Okafor", "12.00"), ("Chen Wei", "45.00"))
"""Calls that are under way: credits that are held when somebody looks."""

DISABLED = ("Tomas Novak",)
"""Who is disabled in the end, with all they have."""

SELLING = ("EUR", "0.01", "Acme Bank, IBAN XX00 0000 0000 0000. Please quote the order's number.")
"""What credits cost, and how an order is paid."""

ORDERS = (("5000.00", "Spring budget", True), ("2500.00", "For the new evaluation", False))
"""What was ordered, why, and whether it is paid."""

AUTO_APPROVE = ("Research", "600.00")
"""A group, and what of its members' requests is approved by itself in each cycle."""


@dataclass(frozen=True)
class DemoRequest:
    """Somebody asking for more: how much, why, and what somebody said when it was decided; `approved` is how much."""

    name: str
    amount: str
    reason: str
    decision: str | None = None
    approved: str | None = None


REQUESTS: tuple[DemoRequest, ...] = (
    DemoRequest("Chen Wei", "400.00", "Second run of the retrieval benchmark"),
    DemoRequest("Hannah Schmidt", "1500.00", "Labelling the field recordings", "Half of it this cycle", "750.00"),
    DemoRequest("Omar Farouk", "3000.00", "A year of meeting notes", "Please use the smaller model first"),
    DemoRequest("Sofia Rossi", "250.00", "Holiday season: more tickets than usual"),
)
