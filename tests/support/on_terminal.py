"""Runs a command on a pseudo-terminal and judges what it shows there.

usage: on_terminal.py OUTPUT COMMAND...     writes what was shown to OUTPUT

Exits 1 and says what it found when the terminal got a control sequence other than a colour, a cleared line or a cursor at the line's
beginning, or a character of C1, of another direction, or without width.
"""

import os
import pty
import re
import sys
import unicodedata

OWN = re.compile(r"\x1b\[[0-9;]*m|\r\x1b\[K|\r[^\x1b\n]*\x1b\[K")


def shown_by(command):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execvp(command[0], command)
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.waitpid(pid, 0)
    return shown


def hidden(text):
    text = OWN.sub("", text.replace("\r\n", "\n"))
    for character in text:
        if character in "\n\t":
            continue
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
            yield f"U+{ord(character):04X}"


shown = shown_by(sys.argv[2:])
with open(sys.argv[1], "wb") as file:
    file.write(shown)
found = sorted(set(hidden(shown.decode("utf-8"))))
if found:
    print(f"{' '.join(sys.argv[2:])}: the terminal got {' '.join(found)}")
    sys.exit(1)
