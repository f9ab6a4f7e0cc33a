// The audits of the GraphQL over HTTP specification, against a running API: node graphql_http.mjs ADDRESS KEY
import { serverAudits } from "graphql-http";

const [address, key] = process.argv.slice(2);

function fetchFn(url, options = {}) {
  return fetch(url, { ...options, headers: { ...options.headers, Authorization: `Bearer ${key}` } });
}

const audits = serverAudits({ url: `${address}/graphql`, fetchFn });
let good = 0;
for (const audit of audits) {
  const { status, reason } = await audit.fn();
  if (status === "ok") good += 1;
  else console.log(`${status}  ${audit.id} ${audit.name}: ${reason}`);
}
console.log(`${good} of ${audits.length} audits ok`);
process.exit(good === audits.length && good > 0 ? 0 : 1);
