"""Adds up the JUnit files that ctest and pytest wrote and names what was skipped and what failed.

usage: summary.py FILE...

A test of ctest named pytest/NAME is counted by its cases, which NAME.xml of pytest tells, where there is one. The last line is
"N passed, N failed" or "N passed, N failed, N skipped". Exits 1 when a test failed, a file cannot be read, or no test ran.
"""

import pathlib
import sys
import xml.etree.ElementTree as xml


def reason(case):
    """The last line of a skipped test that begins with SKIP:, or what ctest says about it."""
    output = case.findtext("system-out") or ""
    said = [line for line in output.splitlines() if line.startswith("SKIP: ")]
    return said[-1][len("SKIP: "):] if said else case.find("skipped").get("message", "")


def verdict(case):
    """passed, failed or skipped. A test whose program is missing is "not run", too: that is a failure."""
    skipped = case.find("skipped")
    if skipped is not None and skipped.get("message", "").startswith("SKIP_"):
        return "skipped"
    return "passed" if case.get("status") == "run" else "failed"


def pytest_verdict(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"


def results(ctest, pytest):
    """(name, verdict, reason when skipped) of each test of ctest; of each of its cases where pytest tells them."""
    for test in ctest:
        name, outcome = test.get("name"), verdict(test)
        cases = pytest.get(name.removeprefix("pytest/"), []) if name.startswith("pytest/") else []
        for case in cases:
            yield f"{name}.py::{case.get('name')}", pytest_verdict(case), (case.find("skipped").get("message") if pytest_verdict(case) == "skipped" else "")
        ended_early = outcome == "failed" and not any(pytest_verdict(case) == "failed" for case in cases)
        if not cases or ended_early:
            yield name, outcome, reason(test) if outcome == "skipped" else ""


def main(files):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    ctest, pytest = [], {}
    for name in files:
        try:
            root = xml.parse(name).getroot()
        except (OSError, xml.ParseError) as error:
            print(f"FAILED {name}: {error}")
            count["failed"] += 1
            continue
        cases = list(root.iter("testcase"))
        if root.tag == "testsuites":
            pytest[pathlib.Path(name).stem] = cases
        else:
            ctest += cases
    for name, outcome, why in results(ctest, pytest):
        count[outcome] += 1
        if outcome == "skipped":
            print(f"skipped {name}: {why}")
        elif outcome == "failed":
            print(f"FAILED {name}")
    ran = count["passed"] + count["failed"]
    if ran == 0:
        print("no test ran")
    line = f"{count['passed']} passed, {count['failed']} failed"
    if count["skipped"]:
        line += f", {count['skipped']} skipped"
    print(line)
    return 0 if ran and not count["failed"] else 1


sys.exit(main(sys.argv[1:]))
