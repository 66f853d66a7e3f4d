"""Asks a URL at a steady rate until SIGTERM, then prints what came back.

usage: load.py URL RATE

Half of the clients keep their connection, the others make a new one each time. The answers are counted by kind: "200"; "503", if it is our
page (Retry-After, no-store, "Maintenance" in the body); anything else by its status or error. While it runs it prints a line for each 20 answers:
how many there are. The last line is a JSON object: seconds, kinds, and first and last, the times (Unix) at which the first 503 came and the last
one was asked for.
"""

import collections
import http.client
import json
import signal
import sys
import threading
import time
import urllib.parse

CLIENTS = 8

url = urllib.parse.urlsplit(sys.argv[1])
rate = float(sys.argv[2])
ended = threading.Event()
lock = threading.Lock()
kinds = collections.Counter()
times = {"first": None, "last": None}


def kind_of(response, body):
    ours = response.getheader("Retry-After") == "120" and response.getheader("Cache-Control") == "no-store"
    if response.status == 503 and not (ours and b"Maintenance" in body):
        return "503 of somebody else"
    return str(response.status)


def ask(connection):
    asked = time.time()
    try:
        connection.request("GET", url.path or "/")
        response = connection.getresponse()
        kind = kind_of(response, response.read())
    except Exception as error:  # whatever it is, it is to be counted
        connection.close()
        kind = f"{type(error).__name__}: {error}"
    with lock:
        kinds[kind] += 1
        if kind == "503":
            times["first"] = times["first"] or time.time()
            times["last"] = max(times["last"] or 0, asked)
        answers = sum(kinds.values())
        if answers % 20 == 0:
            print(answers, flush=True)


def client(number):
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
    due = time.monotonic() + number / rate
    while not ended.wait(max(0, due - time.monotonic())):
        ask(connection)
        if number % 2:
            connection.close()
        due += CLIENTS / rate


signal.signal(signal.SIGTERM, lambda *_: ended.set())
began = time.monotonic()
clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
for thread in clients:
    thread.start()
while not ended.wait(1):
    pass
for thread in clients:
    thread.join()
print(json.dumps({"seconds": time.monotonic() - began, "kinds": kinds, **times}))
