/**
 * Fills the queue of a run, shows progress, and combines the shards when all are written:
 * `REDIS_URL=… node coordinate.js s3://bucket/run --shards 10000`. It may be ended and started again.
 */
import { s3Store } from "@peekpack/s3";
import { coordinate } from "../coordinate.js";
import { redisUrl } from "../queue.js";
import { parseRun } from "../run.js";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
await using store = s3Store();
await coordinate(store, parseRun(), { redis: redisUrl(), log: console.log });
