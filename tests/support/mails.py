"""Tells about the messages that testbed/smtp-server.py kept.

usage: mails.py FOLDER               a line each: TO|SUBJECT|MESSAGE-ID
       mails.py FOLDER text|html     that part of the last one
"""

import email
import email.policy
import pathlib
import sys


def messages(folder):
    for path in sorted(pathlib.Path(folder).glob("*.eml")):
        yield email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def main(folder, what="list"):
    kept = list(messages(folder))
    if what == "list":
        for mail in kept:
            print(mail["To"].addresses[0].addr_spec, mail["Subject"], mail["Message-ID"], sep="|")
    else:
        kind = {"text": "text/plain", "html": "text/html"}[what]
        print(next(part for part in kept[-1].walk() if part.get_content_type() == kind).get_content())


main(*sys.argv[1:])
