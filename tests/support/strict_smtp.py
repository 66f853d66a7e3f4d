"""A mail server for tests that refuses what a mode says, with the words of real servers; TLS by STARTTLS, login agent with any password.

usage: strict_smtp.py MODE TLS FOLDER     writes its port to FOLDER/port

  ehlo       a bare name in EHLO is refused at once
  rcpt-ehlo  the same, put off until the recipient, as Postfix does
  oauth      offers XOAUTH2 and CRAM-MD5 alone
  530        no mail without a login, and none is offered
  relay      refuses to relay, with or without a login
  sender     refuses the sender, put off until the recipient
  peer       takes everything, and names the address that the client comes from
"""

import pathlib
import socket
import ssl
import sys
import threading

mode, tls, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
RECIPIENT = {
    "relay": "554 5.7.1 <anna@example.org>: Relay access denied",
    "sender": "553 5.7.1 <noreply@example.org>: Sender address rejected: not owned by user agent",
}


def talk(connection, peer):
    def say(text):
        connection.sendall(text.encode() + b"\r\n")

    lines, secure, name = connection.makefile("rb"), False, ""
    say("220 strict")
    while line := lines.readline():
        command = line.decode().strip()
        verb = command[:4].upper()
        bare = "." not in name and "[" not in name
        if verb == "EHLO":
            name = command[5:]
            bare = "." not in name and "[" not in name
            if mode == "ehlo" and bare:
                say(f"504 5.5.2 <{name}>: Helo command rejected: need fully-qualified hostname")
                continue
            logins = {"oauth": "250-AUTH XOAUTH2 CRAM-MD5", "530": ""}.get(mode, "250-AUTH PLAIN LOGIN")
            say("250-strict")
            if secure and logins:
                say(logins)
            say("250 8BITMIME" if secure else "250 STARTTLS")
        elif command.upper() == "STARTTLS":
            say("220 go")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "server.crt", tls / "server.key")
            connection = context.wrap_socket(connection, server_side=True)
            lines, secure = connection.makefile("rb"), True
        elif verb == "AUTH":
            if len(command.split()) < 3:
                say("334 ")
                lines.readline()
            say("235 ok")
        elif verb == "MAIL" and mode == "530":
            say("530 5.7.0 Authentication required")
        elif verb == "RCPT" and mode == "rcpt-ehlo" and bare:
            say(f"504 5.5.2 <{name}>: Helo command rejected: need fully-qualified hostname")
        elif verb == "RCPT" and mode in RECIPIENT:
            say(RECIPIENT[mode])
        elif verb == "DATA":
            say("354 go")
            while lines.readline() not in (b".\r\n", b""):
                pass
            say(f"250 from {peer}")
        elif verb == "QUIT":
            say("221 bye")
            break
        else:
            say("250 ok")
    connection.close()


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
(folder / "port").write_text(str(listener.getsockname()[1]))
while True:
    client, address = listener.accept()
    threading.Thread(target=talk, args=(client, address[0]), daemon=True).start()
