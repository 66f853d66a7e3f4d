#!/usr/bin/env python3
"""A LangGraph graph of three steps on the database that the PG* variables name, kept by the real PostgresSaver.

usage: graph.py crash       runs until the second step kills the process
       graph.py resume      goes on where that was; fails unless the first step is not run again and the end is right
"""

import operator
import os
import sys
import time
from typing import Annotated, TypedDict

import psycopg
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.graph import END, START, StateGraph


KEPT = "SELECT count(*) FROM checkpoints WHERE thread_id = 'crashed' AND metadata ->> 'step' = '1'"


class State(TypedDict):
    done: Annotated[list, operator.add]


def first(_):
    assert sys.argv[1] == "crash", "the first step was kept and is not run again"
    return {"done": ["first"]}


def second(_):
    if sys.argv[1] == "crash":
        # Checkpoints are written behind the graph's back.
        with psycopg.connect("", autocommit=True) as connection:
            while not connection.execute(KEPT).fetchone()[0]:
                time.sleep(0.01)
        os.kill(os.getpid(), 9)
    return {"done": ["second"]}


def build(saver):
    graph = StateGraph(State)
    graph.add_node("first", first)
    graph.add_node("second", second)
    graph.add_edge(START, "first")
    graph.add_edge("first", "second")
    graph.add_edge("second", END)
    return graph.compile(checkpointer=saver)


with PostgresSaver.from_conn_string("") as saver:
    thread = {"configurable": {"thread_id": "crashed"}}
    state = build(saver).invoke({"done": ["start"]} if sys.argv[1] == "crash" else None, thread)
    assert state["done"] == ["start", "first", "second"], state
