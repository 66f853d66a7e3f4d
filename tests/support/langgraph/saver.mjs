// LangGraph's own JavaScript saver on the database that the PG* variables name; as saver.py.
//
// usage: node saver.mjs setup | use
import assert from "node:assert";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.LANGGRAPH_JS}/package.json`);
const { PostgresSaver } = require("@langchain/langgraph-checkpoint-postgres");
const { emptyCheckpoint, uuid6 } = require("@langchain/langgraph-checkpoint");
const pg = require("pg");

async function put(saver, parent, step, value) {
  const checkpoint = {
    ...emptyCheckpoint(),
    id: uuid6(step),
    channel_values: { messages: [value] },
    channel_versions: { messages: step },
  };
  const metadata = { source: "loop", step, parents: {} };
  return [checkpoint, await saver.put(parent, checkpoint, metadata, checkpoint.channel_versions)];
}

async function use(saver) {
  const thread = { configurable: { thread_id: "thread-of-saver.mjs", checkpoint_ns: "" } };
  const [first, atFirst] = await put(saver, thread, 1, "hello");
  const [second, atSecond] = await put(saver, atFirst, 2, "grüße ✓");
  await saver.putWrites(atSecond, [["messages", "pending"]], "task-1");

  const newest = await saver.getTuple(thread);
  assert.equal(newest.checkpoint.id, second.id);
  assert.deepEqual(newest.checkpoint.channel_values, { messages: ["grüße ✓"] });
  assert.deepEqual(newest.pendingWrites, [["task-1", "messages", "pending"]]);

  const history = [];
  for await (const item of saver.list(thread)) history.push(item.checkpoint.id);
  assert.deepEqual(history, [second.id, first.id]);
}

const pool = new pg.Pool();
const saver = new PostgresSaver(pool);
await (process.argv[2] === "setup" ? saver.setup() : use(saver));
await pool.end();
