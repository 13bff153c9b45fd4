"""`python -m tests.mutants`: plant every fault of the catalogue and say which test caught it.

Ends with 1 unless all of them were caught.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from scripts.checkout import ROOT
from tests.mutants.catalogue import MUTATIONS
from tests.mutants.mutation import Mutation, NoLongerFits
from tests.mutants.trial import Run, Trial, Verdict, attempt, checkout, run_tests
from tests.support.postgres import running_server

BASELINE_SECONDS_MAX = 600


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; answers its exit code."""
    options = _options(arguments)
    if options.list:
        for mutation in MUTATIONS:
            print(f"{mutation.name}  ({mutation.file}; {mutation.breaks})\n    {mutation.fault}")
        return 0
    chosen = _chosen(options.only)
    if [mutation for mutation in chosen if not _fits(mutation)]:
        return 1
    with running_server(fsync=False) as server:
        os.environ["BURSAR_TEST_DATABASE_URL"] = server.admin_url
        if not _is_sound(chosen):
            return 1
        return try_all(chosen, jobs=options.jobs)


def try_all(mutations: Sequence[Mutation], *, jobs: int) -> int:
    """Try each, print the table and the kill rate; 0 if every fault was caught."""
    width = max(len(mutation.name) for mutation in mutations)
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        trials: list[Trial] = []
        try:
            for trial in pool.map(attempt, mutations):
                print(
                    f"{trial.name:<{width}}  {trial.verdict.value:<9}  {trial.seconds:5.1f} s  {trial.said}", flush=True
                )
                trials.append(trial)
        except BaseException:
            # Whoever interrupts it does not mean to wait for the rest.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    killed = sum(trial.verdict is Verdict.KILLED for trial in trials)
    print(f"\n{time.monotonic() - started:.0f} seconds")
    # Rounded down, so that it says 100 only where it is.
    print(f"kill rate: {killed} of {len(trials)} ({100 * killed // len(trials)} %)")
    return 0 if killed == len(trials) else 1


def _fits(mutation: Mutation) -> bool:
    """Whether the mutation can be planted into the product as it is; says so if not."""
    try:
        mutation.planted((ROOT / mutation.file).read_text(encoding="utf-8"))
    except NoLongerFits as misfit:
        print(misfit, file=sys.stderr)
        return False
    return True


def _is_sound(mutations: Sequence[Mutation]) -> bool:
    """Whether all the chosen tests pass where nothing has been planted: else their failing says nothing."""
    tests = list(dict.fromkeys(test for mutation in mutations for test in mutation.tests))
    print(f"{len(mutations)} mutations; first their tests without any ...", flush=True)
    started = time.monotonic()
    with checkout() as tree:
        run: Run = run_tests(tree, tests, seconds_max=BASELINE_SECONDS_MAX)
    print(f"{run.last_words} ({time.monotonic() - started:.0f} s)\n", flush=True)
    if run.exit_code == 0:
        return True
    print(f"The tests fail on the product as it is: {run.failure or run.exit_code}", file=sys.stderr)
    return False


def _chosen(names: Sequence[str]) -> list[Mutation]:
    known = {mutation.name: mutation for mutation in MUTATIONS}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise SystemExit(f"no such mutation: {', '.join(unknown)}\n\nhint: python -m tests.mutants --list")
    return [known[name] for name in names] or list(MUTATIONS)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="try this one (may be repeated)")
    parser.add_argument("--list", action="store_true", help="list the mutations and try none")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at once (default: 2)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
