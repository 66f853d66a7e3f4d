"""Takes a Markdown file apart for suites that walk through it, and compares what it shows with what came.

usage: document.py split FILE FOLDER
           the fenced blocks as FOLDER/NN.LANGUAGE, and FOLDER/blocks with a line for each:
           NN|LANGUAGE|TAG|HEADING|CHAPTER, the chapter being the heading of one level less
       document.py rows FILE HEADING
           the first column of the tables below that heading, code marks taken off
       document.py compare SHOWN CAME [REAL=SHOWN...]
           two files. Blanks are squeezed; ages, times, ids and sizes are all alike; REAL is read as SHOWN; "…" stands
           for anything in a line, and alone for any lines.
"""

import difflib
import pathlib
import re
import sys

ALIKE = [
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|\+\d\d)?", "TIME"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"(?<![\w.])(\d+(\.\d+)? ?(ms|s|m|h|d))+(?![\w.])", "AGE"),
    (r"(?<![\w.])(About )?(an?|\d+) (second|minute)s?(?!\w)", "AGE"),
    (r"(?<![\w.])\d+(\.\d+)? (B|[kM]B|bytes)(?!\w)", "SIZE"),
    (r"-{4,}", "----"),
    (r"\s+", " "),
]


def split(file, folder):
    folder = pathlib.Path(folder)
    headings, block, blocks = [""] * 7, None, []
    for line in pathlib.Path(file).read_text().splitlines():
        fence = re.match(r"```(\w*) ?(\S*)$", line)
        if block is not None and line == "```":
            language, tag, level, lines = block
            number = f"{len(blocks):02}"
            (folder / f"{number}.{language}").write_text("\n".join(lines) + "\n")
            blocks.append("|".join([number, language, tag, headings[level], headings[level - 1]]))
            block = None
        elif block is not None:
            block[-1].append(line)
        elif fence:
            level = max(at for at, heading in enumerate(headings) if heading)
            block = (fence[1] or "text", fence[2], level, [])
        elif heading := re.match(r"(#+) (.*)", line):
            level = len(heading[1])
            headings[level:] = [heading[2]] + [""] * (6 - level)
    (folder / "blocks").write_text("\n".join(blocks) + "\n")


def rows(file, wanted):
    heading = None
    lines = pathlib.Path(file).read_text().splitlines()
    for line, below in zip(lines, lines[1:] + [""]):
        if found := re.match(r"#+ (.*)", line):
            heading = found[1]
        elif heading == wanted and line.startswith("| ") and not line.startswith("| ---") and "| ---" not in below:
            print(line.split("|")[1].strip().replace("`", ""))


def alike(text):
    for pattern, name in ALIKE:
        text = re.sub(pattern, name, text)
    return text.strip()


def readable(file, replacements=()):
    text = pathlib.Path(file).read_text(errors="replace")
    for real, shown in replacements:
        text = text.replace(real, shown)
    return [line for line in map(alike, text.splitlines()) if line]


def compare(shown, came, *replacements):
    wanted = readable(shown)
    got = readable(came, [pair.split("=", 1) for pair in replacements])
    pattern = "".join(
        r"(.*\n)*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n" for line in wanted
    )
    if not re.fullmatch(pattern, "".join(line + "\n" for line in got)):
        print(*difflib.unified_diff(wanted, got, "the document", "what came", lineterm="", n=100), sep="\n")
        sys.exit(1)


{"split": split, "rows": rows, "compare": compare}[sys.argv[1]](*sys.argv[2:])
