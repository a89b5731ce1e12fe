// Runs main tests on CPython 3.14 in WebAssembly: `node --stack-size=60000 tests/pyodide/run.js PACKAGES`, after
// `npm ci --prefix tests/pyodide`. The folder PACKAGES has pytest and Hypothesis, by `pip install --target`. The stack is
// large (`ulimit -s 65536`) because WebAssembly dies of JSON that is nested deeply where Python would raise an error.
import { fileURLToPath } from "node:url";
import { loadPyodide } from "pyodide";

// The modules that need no thread, no process, no socket and no asyncio.run(), which Pyodide does not have.
const MODULES =
  "core/errors core/events core/headers core/parse core/svix_compat core/webhook tools/cli_verify tools/deliver tools/diagnosis tools/reference tools/testing types/conformance types/samples types/story types/types types/users";

const pyodide = await loadPyodide();
const { FS } = pyodide;
for (const [root, folder] of [
  [fileURLToPath(new URL("../..", import.meta.url)), "/project"],
  [process.argv[2], "/packages"],
]) {
  FS.mkdir(folder);
  FS.mount(FS.filesystems.NODEFS, { root }, folder);
}
pyodide.globals.set("modules", MODULES);
process.exitCode = pyodide.runPython(`
import os, sys
sys.path[:0] = ["/project", "/packages"]
sys.dont_write_bytecode = True
os.chdir("/project")
print("CPython", sys.version)
import pytest
int(pytest.main(["-q", "-p", "no:cacheprovider", *("tests/{}/test_{}.py".format(*name.split("/")) for name in modules.split())]))
`);
