// The same graph with LangGraph's own JavaScript; as graph.py.
//
// usage: node graph.mjs crash | resume
import assert from "node:assert";
import { createRequire } from "node:module";
import { setTimeout } from "node:timers/promises";

const require = createRequire(`${process.env.LANGGRAPH_JS}/package.json`);
const { PostgresSaver } = require("@langchain/langgraph-checkpoint-postgres");
const { Annotation, END, START, StateGraph } = require("@langchain/langgraph");
const pg = require("pg");

const kept = `SELECT count(*) FROM checkpoints WHERE thread_id = 'crashed in JavaScript' AND metadata ->> 'step' = '1'`;
const crash = process.argv[2] === "crash";
const State = Annotation.Root({
  done: Annotation({ reducer: (old, more) => old.concat(more), default: () => [] }),
});
const pool = new pg.Pool();
const graph = new StateGraph(State)
  .addNode("first", () => {
    assert(crash, "the first step was kept and is not run again");
    return { done: ["first"] };
  })
  .addNode("second", async () => {
    // Checkpoints are written behind the graph's back.
    while (crash && (await pool.query(kept)).rows[0].count === "0") await setTimeout(10);
    if (crash) process.kill(process.pid, "SIGKILL");
    return { done: ["second"] };
  })
  .addEdge(START, "first")
  .addEdge("first", "second")
  .addEdge("second", END)
  .compile({ checkpointer: new PostgresSaver(pool) });

const thread = { configurable: { thread_id: "crashed in JavaScript" } };
const state = await graph.invoke(crash ? { done: ["start"] } : null, thread);
assert.deepEqual(state.done, ["start", "first", "second"]);
await pool.end();
