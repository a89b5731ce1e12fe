// Serves a Python Worker with Cloudflare's SDK in Pyodide: `node worker.mjs PROJECT LIBRARY SDK PORT`. The runtime's own
// part, which starts the Worker and gives it its bindings, is the Python text below.
import { createServer } from "node:http";
import { loadPyodide } from "../pyodide/node_modules/pyodide/pyodide.mjs";

const [project, library, sdk, port] = process.argv.slice(2);
const pyodide = await loadPyodide();
for (const [root, folder] of [[project, "/project"], [library, "/library"], [sdk, "/sdk"]]) {
  pyodide.FS.mkdir(folder);
  pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root }, folder);
}
const env = { CLERK_WEBHOOK_SIGNING_SECRET: process.env.CLERK_WEBHOOK_SIGNING_SECRET };
pyodide.registerJsModule("_pyodide_entrypoint_helper", { cloudflareWorkersModule: { env }, patchWaitUntil() {} });
pyodide.registerJsModule("_cloudflare_compat_flags", { python_request_headers_preserve_commas: true });
pyodide.globals.set("env", env);
const fetch = pyodide.runPython(`
import os, sys
sys.path[:0] = ["/project", "/library"]
sys.dont_write_bytecode = True
sys.path.append("/sdk")
from workers import Request
import main

async def fetch(request):
    return await main.Default(None, env).fetch(Request(request))

fetch
`);

createServer(async (incoming, outgoing) => {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const headers = new Headers();
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) headers.append(incoming.rawHeaders[i], incoming.rawHeaders[i + 1]);
  const { method } = incoming;
  const body = method === "GET" ? undefined : Buffer.concat(chunks);
  const response = await fetch(new Request(`http://localhost${incoming.url}`, { method, headers, body }));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}).listen(Number(port), "127.0.0.1");
