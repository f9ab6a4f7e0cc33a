// Starts GraphiQL with one tab for each example. Tabs and the API key stay in this browser's storage.

const examples = JSON.parse(document.getElementById("examples").textContent);
const headers = JSON.stringify({ Authorization: "Bearer <paste your key>" }, null, 2);
const fetcher = GraphiQL.createFetcher({ url: "/graphql", enableIncrementalDelivery: false });

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
