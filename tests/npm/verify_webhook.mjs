// Verifies messages of ours with another's library: JSON lines of {secret, headers, body, isGood} on standard input.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

let all = 0;
let wrong = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { name, secret, headers, body, isGood } = JSON.parse(line);
  let verdict = "taken";
  try {
    new Webhook(secret).verify(body, headers);
  } catch (error) {
    verdict = `refused: ${error.message}`;
  }
  const isRight = (verdict === "taken") === isGood;
  all += 1;
  wrong += isRight ? 0 : 1;
  console.log(`${isRight ? "ok" : "WRONG"}  ${name}: ${verdict}`);
}
console.log(`${all - wrong} of ${all} messages judged rightly`);
process.exit(wrong === 0 ? 0 : 1);
