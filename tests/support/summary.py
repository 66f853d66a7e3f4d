"""Adds up the JUnit files that ctest wrote and names what was skipped and what failed.

usage: summary.py FILE...

The last line is "N passed, N failed" or "N passed, N failed, N skipped", counted by test. Exits 1 when
a test failed, a file cannot be read, or no test ran.
"""

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


def main(files):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for name in files:
        try:
            cases = list(xml.parse(name).getroot().iter("testcase"))
        except (OSError, xml.ParseError) as error:
            print(f"FAILED {name}: {error}")
            count["failed"] += 1
            continue
        for case in cases:
            outcome = verdict(case)
            count[outcome] += 1
            if outcome == "skipped":
                print(f"skipped {case.get('name')}: {reason(case)}")
            elif outcome == "failed":
                print(f"FAILED {case.get('name')}")
    ran = count["passed"] + count["failed"]
    if ran == 0:
        print("no test ran")
    line = f"{count['passed']} passed, {count['failed']} failed"
    if count["skipped"]:
        line += f", {count['skipped']} skipped"
    print(line)
    return 0 if ran and not count["failed"] else 1


sys.exit(main(sys.argv[1:]))
