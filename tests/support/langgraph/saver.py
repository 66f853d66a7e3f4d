#!/usr/bin/env python3
"""LangGraph's own Python saver on the database that the PG* variables name.

usage: saver.py setup       PostgresSaver.setup()
       saver.py setup N     the first N + 1 of its migrations, as setup() leaves them when it is cut short
       saver.py use         put, get, list, writes, history and delete; fails when an answer is wrong

With GATE=FILE it connects, then waits until the file is there.
"""

import os
import sys
import time

import psycopg
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.postgres import PostgresSaver
from psycopg.rows import dict_row


def cut_short(connection, last):
    for version, sql in enumerate(PostgresSaver.MIGRATIONS[: last + 1]):
        connection.execute(sql)
        connection.execute("INSERT INTO checkpoint_migrations (v) VALUES (%s)", (version,))


def put(saver, thread, parent, step, value):
    checkpoint = empty_checkpoint()
    checkpoint["channel_values"] = {"messages": [value], "count": step}
    checkpoint["channel_versions"] = {"messages": f"{step:032}.1", "count": f"{step:032}.1"}
    config = parent or {"configurable": {"thread_id": thread, "checkpoint_ns": ""}}
    metadata = {"source": "loop", "step": step, "writes": {}, "parents": {}}
    return checkpoint, saver.put(config, checkpoint, metadata, checkpoint["channel_versions"])


def use(saver):
    thread = "thread-of-saver.py"
    first, at_first = put(saver, thread, None, 1, "hello")
    second, at_second = put(saver, thread, at_first, 2, "grüße ✓")
    saver.put_writes(at_second, [("messages", "pending"), ("count", 3)], task_id="task-1", task_path="~a~b")

    newest = saver.get_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": ""}})
    assert newest.checkpoint["id"] == second["id"]
    assert newest.checkpoint["channel_values"] == {"messages": ["grüße ✓"], "count": 2}
    assert newest.parent_config["configurable"]["checkpoint_id"] == first["id"]
    assert [write[1:] for write in newest.pending_writes] == [("messages", "pending"), ("count", 3)]

    assert saver.get_tuple(at_first).checkpoint["channel_values"]["messages"] == ["hello"]
    history = [item.checkpoint["id"] for item in saver.list({"configurable": {"thread_id": thread}})]
    assert history == [second["id"], first["id"]]
    assert len(list(saver.list(None, filter={"step": 1}, limit=5))) == 1

    saver.delete_thread(thread)
    assert saver.get_tuple({"configurable": {"thread_id": thread, "checkpoint_ns": ""}}) is None


def main(command, *numbers):
    with psycopg.connect("", autocommit=True, prepare_threshold=0, row_factory=dict_row) as connection:
        saver = PostgresSaver(connection)
        while "GATE" in os.environ and not os.path.exists(os.environ["GATE"]):
            time.sleep(0.001)
        if command == "setup" and numbers:
            cut_short(connection, int(numbers[0]))
        elif command == "setup":
            saver.setup()
        else:
            use(saver)


main(*sys.argv[1:])
