// Starts GraphiQL with one tab for each example. Tabs and the API key stay in this browser's storage.

const NO_KEY = "<paste your key or token>";

const examples = JSON.parse(document.getElementById("examples").textContent);
const key = keyOfTheLink();
const headers = headersWith(key || NO_KEY);
// Subscriptions take the key of the Headers tab too: GraphiQL sends it as the payload of `connection_init`.
const ask = GraphiQL.createFetcher({
  url: "/graphql",
  subscriptionUrl: new URL("/graphql", location.href).href.replace(/^http/, "ws"),
  enableIncrementalDelivery: false,
});
const fetcher = (params, options) => (isWithoutKey(options) ? tellWhereTheKeyGoes() : ask(params, options));

if (key) {
  putInStoredTabs(headers);
}
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    plugins: [GraphiQLPluginExplorer.explorerPlugin()],
    defaultTabs: examples.map((query) => ({ query, headers })),
    defaultHeaders: headers,
    defaultEditorToolsVisibility: "headers",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: true,
    inputValueDeprecation: true,
  }),
);

function isWithoutKey(options) {
  return Object.values(options?.headers ?? {}).some((value) => value.includes(NO_KEY));
}

function tellWhereTheKeyGoes() {
  return { errors: [{ message: `Put your API key, or the token of a person, in place of ${NO_KEY} in the Headers tab, then reload the page.` }] };
}

// The link that `prorata dev` prints carries a key behind its "#": the part of an address that browsers send
// nowhere. It leaves the address bar, and so the history, at once.
function keyOfTheLink() {
  const found = new URLSearchParams(location.hash.slice(1)).get("key");
  if (found) {
    history.replaceState(null, "", location.pathname);
  }
  return found;
}

function headersWith(secret) {
  return JSON.stringify({ Authorization: `Bearer ${secret}` }, null, 2);
}

// Tabs of an earlier visit come from the storage, with the key they had.
function putInStoredTabs(headers) {
  const stored = JSON.parse(localStorage.getItem("graphiql:tabState"));
  if (stored) {
    stored.tabs.forEach((tab) => (tab.headers = headers));
    localStorage.setItem("graphiql:tabState", JSON.stringify(stored));
    localStorage.setItem("graphiql:headers", headers);
  }
}
