// The reference client of graphql-transport-ws, against a running API: node graphql_ws.mjs ADDRESS KEY
import assert from "node:assert/strict";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [address, key] = process.argv.slice(2);
const url = `${address.replace(/^http/, "ws")}/graphql`;
const Authorization = `Bearer ${key}`;

async function ask(query, variables = {}) {
  const headers = { Authorization, "content-type": "application/json" };
  const answer = await fetch(`${address}/graphql`, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

async function make(mutation, fields, input) {
  const type = mutation[0].toUpperCase() + mutation.slice(1);
  const query = `mutation ($input: ${type}Input!) {
    ${mutation}(input: $input) { __typename ... on ${type}Payload { ${fields} } ... on UserError { message } } }`;
  return (await ask(query, { input }))[mutation];
}

function client(options = {}) {
  return createClient({ url, webSocketImpl: WebSocket, connectionParams: { Authorization }, retryAttempts: 0, ...options });
}

const accountId = (await make("accountCreate", "account { id }", { name: "Acme" })).account.id;
const given = { accountId, name: "Support", creatorName: "Ada", creatorEmail: "ada@example.com" };
const workspaceId = (await make("workspaceCreate", "workspace { id }", given)).workspace.id;
await make("paymentMethodSet", "__typename", { accountId, token: "tok_visa" });
await make("subscriptionStart", "__typename", { accountId, plan: "ADVANCED", psp: true });

async function use(quantity) {
  const event = { eventId: crypto.randomUUID(), metric: "BULK_EMAIL", quantity, at: new Date().toISOString() };
  assert.equal((await make("usageRecord", "accepted", { workspaceId, events: [event] })).accepted, 1);
}

const checks = {
  async "a query is answered and completed"() {
    const told = [];
    for await (const result of client().iterate({ query: "{ viewer { isOperator } }" })) told.push(result.data);
    assert.deepEqual(told, [{ viewer: { isOperator: true } }]);
  },
  async "usage is followed, and the subscription ended by the client"() {
    const query = "subscription ($id: ID!) { workspaceUsage(workspaceId: $id, metrics: [BULK_EMAIL]) { metrics { total } } }";
    const told = [];
    for await (const { data } of client().iterate({ query, variables: { id: workspaceId } })) {
      told.push(data.workspaceUsage.metrics[0].total);
      if (told.length === 1) await use(5);
      else break;
    }
    assert.deepEqual(told, [0, 5]);
  },
  async "errors of a document reach the sink, and the socket lives"() {
    const one = client({ lazy: false });
    await assert.rejects(one.iterate({ query: "{ nothing }" }).next(), (errors) => errors[0].extensions.code === "GRAPHQL_VALIDATION_FAILED");
    assert.equal((await one.iterate({ query: "{ viewer { isOperator } }" }).next()).value.data.viewer.isOperator, true);
    await one.dispose();
  },
  async "a wrong key is closed with 4403"() {
    const stranger = client({ connectionParams: { Authorization: "Bearer pr_000000000000_x" } });
    await assert.rejects(stranger.iterate({ query: "{ viewer { isOperator } }" }).next(), (event) => event.code === 4403);
  },
  async "twenty operations share a socket"() {
    const one = client({ lazy: false });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => one.iterate({ query: "{ viewer { isOperator } }" }).next()),
    );
    assert(answers.every((answer) => answer.value.data.viewer.isOperator));
    await one.dispose();
  },
  async "pings are answered"() {
    const pongs = [];
    const one = client({ lazy: false, keepAlive: 100, on: { pong: (received) => received && pongs.push(1) } });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert(pongs.length >= 3, `${pongs.length} pongs`);
    await one.dispose();
  },
};

const all = Object.entries(checks);
for (const [name, check] of all) {
  await check();
  console.log(`ok  ${name}`);
}
console.log(`${all.length} of ${all.length} checks ok`);
process.exit(0);
