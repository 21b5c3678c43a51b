/** Runs the bundled program in workerd. */
import { Miniflare } from "miniflare";

const miniflare = new Miniflare({
  modules: true,
  scriptPath: "bundle.js",
  modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
  compatibilityDate: "2026-06-01",
  compatibilityFlags: process.argv.slice(2),
});
const response = await miniflare.dispatchFetch("http://localhost/", {
  method: "POST",
  body: process.env.PEEKPACK_TARGET,
});
console.log(`RESULTS ${await response.text()}`);
await miniflare.dispose();
