#!/usr/bin/env python3
# bpftime-vm: adds up what ctest and the GoogleTest programs report, case by case, over several builds
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
"""usage: count_tests.py BUILD_FOLDER...

Reads test-results.xml of each folder (ctest --output-junit) and, for each of its tests that is a GoogleTest program,
test-reports/<test>.xml. Prints what was skipped and why, then what failed, where the end of a long log shows it, and
the totals in the last line. Fails if anything failed, or if nothing passed.
"""

import collections
import pathlib
import sys
import xml.etree.ElementTree as xml

Case = collections.namedtuple("Case", "name outcome why")


def one_line(text):
    return " ".join((text or "").split())


def cases_of_program(report):
    """The cases of a GoogleTest program."""
    for case in xml.parse(report).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        failure, skipped = case.find("failure"), case.find("skipped")
        if failure is not None:
            yield Case(name, "failed", one_line(failure.get("message")))
        elif case.get("status") != "run":
            yield Case(name, "skipped", "disabled")
        elif skipped is not None:
            # The first line says where in the sources.
            yield Case(name, "skipped", one_line((skipped.get("message") or "").partition("\n")[2]))
        else:
            yield Case(name, "passed", "")


def why_of(test):
    """What ctest says of a test that did not pass."""
    return "".join(part.get("message", "") for part in test if part.tag in ("failure", "skipped"))


def is_skipped(test):
    """Whether a test says so itself; ctest also calls a test skipped whose program or fixture is missing."""
    return test.get("status") == "notrun" and why_of(test).startswith("SKIP_")


def cases_of_test(test, reports):
    """A test of ctest as its cases: those of its program's report, or itself."""
    name, status = test.get("name"), test.get("status")
    report = reports / f"{name}.xml"
    if report.exists():
        cases = list(cases_of_program(report))
        yield from cases
        if status == "fail" and not any(case.outcome == "failed" for case in cases):
            yield Case(name, "failed", "no case failed, but the program did")
    elif status == "run":
        yield Case(name, "passed", "")
    elif status == "disabled" or is_skipped(test):
        yield Case(name, "skipped", one_line(test.findtext("system-out")) or status)
    else:
        yield Case(name, "failed", one_line(f"{status} {why_of(test)}"))


def main(folders):
    totals = collections.Counter()
    lines = collections.defaultdict(list)
    for folder in map(pathlib.Path, folders):
        for test in xml.parse(folder / "test-results.xml").iter("testcase"):
            for case in cases_of_test(test, folder / "test-reports"):
                totals[case.outcome] += 1
                lines[case.outcome].append(f"{case.outcome} in {folder}: {case.name}: {case.why}")
    print(*lines["skipped"], *lines["failed"], sep="\n")
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")
    return totals["failed"] > 0 or totals["passed"] == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
