// Prints what Taplo's language server, which the editor extension Even Better TOML runs, offers at
// the start of each of these lines of a file, counted from 0: `complete.cjs MODULES FILE LINE...`.
const fs = require("node:fs");
const path = require("node:path");
const { fileURLToPath, pathToFileURL } = require("node:url");

const [modules, file, ...lines] = process.argv.slice(2);
const { TaploLsp } = require(path.join(modules, "@taplo/lsp"));
const uri = pathToFileURL(file).href;
const text = fs.readFileSync(file, "utf8");
const offline = async () => {
  throw new Error("the test has no network");
};
// The server runs in WebAssembly and reaches the machine through these functions.
const environment = {
  now: () => new Date(),
  envVar: (name) => process.env[name],
  envVars: () => Object.entries(process.env),
  stdErrAtty: () => false,
  stdin: process.stdin,
  stdout: process.stderr,
  stderr: process.stderr,
  glob: () => [],
  readFile: (name) => fs.promises.readFile(name),
  writeFile: offline,
  urlToFilePath: fileURLToPath,
  isAbsolute: path.isAbsolute,
  cwd: () => path.dirname(file),
  findConfigFile: () => undefined,
  fetch: { fetch: offline, Headers, Request, Response },
};

let server;
const send = (message) => server.send({ jsonrpc: "2.0", ...message });
const [initialize, complete] = ["initialize", "complete"];
const offered = [];
const ask = () => {
  const position = { line: Number(lines[offered.length]), character: 0 };
  const params = { textDocument: { uri }, position };
  send({ id: complete, method: "textDocument/completion", params });
};
let isLoaded = false;
const onMessage = (message) => {
  if (message.id === initialize && message.result) {
    send({ method: "initialized", params: {} });
    const textDocument = { uri, languageId: "toml", version: 1, text };
    send({ method: "textDocument/didOpen", params: { textDocument } });
  } else if (message.method === "workspace/configuration") {
    send({ id: message.id, result: message.params.items.map(() => null) });
  } else if (message.method === "textDocument/publishDiagnostics" && !isLoaded) {
    // The server has loaded the file and its schema.
    isLoaded = true;
    ask();
  } else if (message.id === complete) {
    offered.push(message.result ?? []);
    if (offered.length < lines.length) return ask();
    fs.writeFileSync(1, JSON.stringify(offered));
    process.exit();
  }
};

TaploLsp.initialize(environment, { onMessage }).then((taplo) => {
  server = taplo;
  const workspaceFolders = [{ uri: pathToFileURL(path.dirname(file)).href, name: "test" }];
  send({ id: initialize, method: "initialize", params: { capabilities: {}, workspaceFolders } });
});
