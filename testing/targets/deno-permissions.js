/** Deno without permissions: each call rejects with `denied`, and its message names the option that gives the permission. */
import { memorySink, openArchive, writeArchive } from "@peekpack/core";
import { fileSink, fileSource, pendingUploads, persistentCache, spoolSink } from "@peekpack/node-storage";
import { s3Store } from "@peekpack/s3";
import { zstdSink } from "@peekpack/zstd";
import { attempt } from "./exercise.js";

const store = () => s3Store({ endpoint: "http://127.0.0.1:9000", credentials: null });
const CALLS = {
  "read a file": async () => openArchive(fileSource("a.msglc")),
  "write a file": async () => writeArchive(fileSink("b.msglc"), 1),
  spool: async () => writeArchive(spoolSink(store().target("bucket/key")), 1),
  "list spools": async () => pendingUploads(),
  "cache ranges": async () => persistentCache(),
};
const { state } = await Deno.permissions.query({ name: "env" });
if (state !== "granted") CALLS["read a variable"] = async () => openArchive(s3Store().source("bucket/key"));

const results = {};
await attempt(results, "permissions", async () => {
  for (const [name, call] of Object.entries(CALLS)) {
    const error = await call().catch((cause) => cause);
    if (error?.code !== "denied" || !/--allow-(read|write|sys|env)/.test(error.message)) {
      throw new Error(`${name}: ${error}`);
    }
  }
  // Needs no permission: the encoder is chosen by what may be read.
  await writeArchive(zstdSink(memorySink(), { worker: false }), { a: 1 });
});
console.log(`RESULTS ${JSON.stringify(results)}`);
