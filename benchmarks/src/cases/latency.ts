import { readFileSync } from "node:fs";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { randomNumbers, s3Client, startFaultProxy } from "@peekpack/testing";
import type { Benchmark } from "../benchmark.js";
import { contest } from "../contest.js";
import { DATA_SETS } from "../data-sets.js";
import { prepared } from "../prepared.js";
import { startRemote } from "../remote.js";
import { timeRow } from "../row.js";

/** Added to every request by the proxy. */
const LATENCY_MS = 50;
const SUBTREES = 50;
/** Cold is the archive, not the code. */
const WARM_UP = 8;

type Path = readonly string[];

/** Walks down a random way, until `end` says that it is there. */
function randomPath(root: unknown, random: () => number, end: (at: unknown, depth: number) => boolean): Path {
  const path: string[] = [];
  let at = root;
  while (!end(at, path.length)) {
    const keys = Object.keys(at as object);
    const key = keys[Math.floor(random() * keys.length)]!;
    path.push(key);
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return path;
}

const isMap = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;

/** A value that is no map, at the end of a random way. */
const leaf = (root: unknown, round: number): readonly Path[] => [
  randomPath(root, randomNumbers(1000 + round), (at) => !isMap(at)),
];

/** Different subtrees, at most three keys deep. */
function subtrees(root: unknown, round: number): readonly Path[] {
  const random = randomNumbers(5000 + round);
  const found = new Map<string, Path>();
  while (found.size < SUBTREES) {
    const path = randomPath(root, random, (at, depth) => depth === 3 || !isMap(at));
    found.set(JSON.stringify(path), path);
  }
  return [...found.values()];
}

/** Reading from afar. */
export const latency: Benchmark = {
  name: "latency",
  what: `cold reads of browser-compat-data on S3 with ${LATENCY_MS} ms of latency, against msglc with s3fs through the same proxy`,
  async run(context) {
    const { scratch, python } = context;
    if (python === undefined) return context.skip("latency: its only peer is msglc with s3fs");
    const { archive } = await prepared(scratch, "browser-compat-data", "msgpack");
    const root = DATA_SETS["browser-compat-data"]();
    const remote = await startRemote(context.log);
    const proxy = await startFaultProxy(remote.server, { network: { latencyMs: LATENCY_MS } });
    const client = s3Client(remote.server);
    try {
      const Key = "browser-compat-data.msgl";
      await client.send(new PutObjectCommand({ Bucket: remote.bucket, Key, Body: readFileSync(archive) }));
      const { endpoint, region, credentials } = proxy.access;
      const parameters = { endpoint, region, credentials, path: `${remote.bucket}/${Key}` };
      for (const [label, paths, goal] of [
        ["a leaf", leaf, 0.5],
        [`${SUBTREES} random subtrees`, subtrees, 0.1],
      ] as const) {
        const [cold, withIndex, theirs] = await contest(
          [
            { name: "openArchive, readMany", job: "reading/cold", parameters },
            { name: "the same with a kept index", job: "reading/withIndex", parameters },
            { name: "msglc LazyReader, to_obj", job: "remote/cold", parameters, python },
          ],
          { rounds: context.rounds, lapMs: 0, warmUpMs: 0, warmUpLaps: WARM_UP },
          {
            argument: (round) => paths(root, round),
            before: () => proxy.reset(),
            after() {
              const { requests, bytesDown } = proxy.totals();
              return { requests, bodyBytes: bytesDown };
            },
          },
        );
        context.row(timeRow(label, cold!, theirs!, { atMost: goal }));
        context.row(timeRow(label, withIndex!, theirs!));
      }
    } finally {
      client.destroy();
      await proxy.close();
      await remote.close();
    }
  },
};
