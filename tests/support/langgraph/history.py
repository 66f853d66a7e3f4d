#!/usr/bin/env python3
"""Threads with a history, by LangGraph's own saver on the database that the PG* variables name.

usage: history.py make [THREADS]   threads with checkpoints, forks, pending writes, subgraphs' namespaces, one with a DeltaChannel
       history.py state            what each thread resumes with, as one JSON text: compare before and after
       history.py append SECONDS   goes on with all threads meanwhile; fails when a state is not what was put last
"""

import json
import sys
import time

import psycopg
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg.rows import dict_row

STEPS = 12


class Thread:
    def __init__(self, saver, name, namespace=""):
        self.saver = saver
        self.head = {"configurable": {"thread_id": name, "checkpoint_ns": namespace}}
        self.versions, self.values = {}, {}

    def step(self, number, changed, root=None, metadata=None):
        checkpoint = empty_checkpoint()
        for channel in changed:
            self.versions[channel] = f"{number:032}.{len(self.values)}"
            self.values[channel] = [f"{channel} {number}"]
        checkpoint["channel_values"] = dict(self.values)
        checkpoint["channel_versions"] = dict(self.versions)
        parents = {"": root} if root else {}
        self.head = self.saver.put(self.head, checkpoint, {"source": "loop", "step": number, "parents": parents, **(metadata or {})},
                                   {channel: self.versions[channel] for channel in changed})
        return checkpoint["id"]


def make(saver, threads):
    for n in range(threads):
        thread = Thread(saver, f"thread-{n}")
        # "once" changes in the first step alone: its blob is as old as the thread and is needed by all.
        thread.step(0, ["once", "messages"])
        for number in range(1, STEPS):
            root = thread.step(number, ["messages"])
            saver.put_writes(thread.head, [("messages", f"pending {number}")], task_id=f"task-{number}")
            call = Thread(saver, f"thread-{n}", f"child:{number:08}-task")
            for inner in range(3):
                call.step(inner, ["inner"], root)
            lasting = Thread(saver, f"thread-{n}", "memory")
            lasting.step(number, ["kept"], root)
        if n % 3 == 0:
            fork = Thread(saver, f"thread-{n}")
            fork.head, fork.versions, fork.values = thread.head, dict(thread.versions), dict(thread.values)
            fork.step(STEPS, ["messages", "forked"])
    delta = Thread(saver, "thread-delta")
    for number in range(STEPS):
        delta.step(number, ["messages"], metadata={"counters_since_delta_snapshot": {"messages": number}})


def namespaces(connection):
    rows = connection.execute("SELECT DISTINCT thread_id, checkpoint_ns FROM checkpoints ORDER BY 1, 2").fetchall()
    return [(row["thread_id"], row["checkpoint_ns"]) for row in rows]


def resumed(saver, thread, namespace):
    found = saver.get_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": namespace}})
    return {"id": found.checkpoint["id"], "values": found.checkpoint["channel_values"],
            "versions": found.checkpoint["channel_versions"], "pending": found.pending_writes, "metadata": found.metadata}


def state(saver, connection):
    everything = {}
    for thread, namespace in namespaces(connection):
        # The calls of subgraphs that an old root checkpoint made go with it; those of the newest are what a resume needs.
        if ":" in namespace:
            call = resumed(saver, thread, namespace)
            if call["metadata"]["parents"][""] != resumed(saver, thread, "")["id"]:
                continue
        everything[f"{thread} {namespace}"] = resumed(saver, thread, namespace)
    print(json.dumps(everything, sort_keys=True, default=str))


def append(saver, connection, seconds):
    end = time.monotonic() + seconds
    names = sorted({thread for thread, _ in namespaces(connection) if thread != "thread-delta"})
    threads = {}
    for name in names:
        thread = Thread(saver, name)
        found = saver.get_tuple(thread.head)
        thread.head, thread.versions = found.config, dict(found.checkpoint["channel_versions"])
        thread.values = dict(found.checkpoint["channel_values"])
        threads[name] = thread
    number = 1000
    while time.monotonic() < end:
        number += 1
        for name, thread in threads.items():
            wanted = thread.step(number, ["messages"])
            found = resumed(saver, name, "")
            assert found["id"] == wanted, (name, number)
            assert found["values"] == thread.values, (name, number, found["values"], thread.values)
    print(number - 1000, "rounds")


def main(command, *numbers):
    with psycopg.connect("", autocommit=True, prepare_threshold=0, row_factory=dict_row) as connection:
        saver = PostgresSaver(connection)
        if command == "make":
            make(saver, int(numbers[0]) if numbers else 10)
        elif command == "state":
            state(saver, connection)
        else:
            append(saver, connection, float(numbers[0]))


main(*sys.argv[1:])
