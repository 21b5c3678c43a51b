/** Combines the shards of a run without a queue: `node combine.js s3://bucket/run --shards 10000` */
import { s3Store } from "@peekpack/s3";
import { combineShards } from "../combine.js";
import { archivePath, parseRun } from "../run.js";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
const run = parseRun();
await using store = s3Store();
const combined = await combineShards(store, run);
console.log(
  combined === undefined ? `${archivePath(run.path)} exists` : `${archivePath(run.path)} is written`,
);
