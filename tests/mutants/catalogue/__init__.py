"""Every mutation, by what it breaks."""

from __future__ import annotations

from typing import Final

from tests.mutants.catalogue import budgets, commands, cycles, holds, people, posting, spending, transfers, writing
from tests.mutants.mutation import Mutation

MUTATIONS: Final[tuple[Mutation, ...]] = (
    *holds.MUTATIONS,
    *spending.MUTATIONS,
    *cycles.MUTATIONS,
    *budgets.MUTATIONS,
    *transfers.MUTATIONS,
    *people.MUTATIONS,
    *commands.MUTATIONS,
    *writing.MUTATIONS,
    *posting.MUTATIONS,
)
