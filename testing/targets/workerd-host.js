/** Runs the bundled program in workerd. */
import { readdir } from "node:fs/promises";
import { Miniflare } from "miniflare";

const wasm = (await readdir(".")).filter((path) => path.endsWith(".wasm"));

const miniflare = new Miniflare({
  modules: [{ type: "ESModule", path: "bundle.js" }, ...wasm.map((path) => ({ type: "CompiledWasm", path }))],
  compatibilityDate: "2026-06-01",
  compatibilityFlags: process.argv.slice(2),
});
const response = await miniflare.dispatchFetch("http://localhost/", {
  method: "POST",
  body: process.env.PEEKPACK_TARGET,
});
console.log(`RESULTS ${await response.text()}`);
await miniflare.dispose();
