import { randomNumbers } from "@peekpack/testing";
import type { Benchmark, Context } from "../benchmark.js";
import { contest } from "../contest.js";
import { DATA_SETS } from "../data-sets.js";
import { isMap, type Path, randomLeaf, randomPath } from "../paths.js";
import { prepared } from "../prepared.js";
import { LATENCY_MS, startSlowRemote } from "../remote.js";
import { type Goal, timeRow } from "../row.js";

const SUBTREES = 50;
/** Warm-up laps: the code is warm, the archive is cold. */
const WARM_UP = 8;

/** Random distinct subtrees, at most three keys deep. */
function subtrees(root: unknown, round: number): readonly Path[] {
  const random = randomNumbers(5000 + round);
  const found = new Map<string, Path>();
  while (found.size < SUBTREES) {
    const path = randomPath(root, random, (at, depth) => depth === 3 || !isMap(at));
    found.set(JSON.stringify(path), path);
  }
  return [...found.values()];
}

/** Reads over a slow network, against msglc with s3fs through the same proxy. */
async function run(
  context: Context,
  label: string,
  paths: (root: unknown, round: number) => readonly Path[],
  goal: Goal,
): Promise<void> {
  const { scratch, python } = context;
  if (python === undefined) return context.skip(`${label}: it needs msglc with s3fs`);
  const { archive } = await prepared(scratch, "browser-compat-data", "msgpack");
  const root = DATA_SETS["browser-compat-data"]();
  const remote = await startSlowRemote(context.log);
  try {
    const key = "browser-compat-data.msglc";
    await remote.put(key, archive);
    const { endpoint, region, credentials } = remote.access;
    const parameters = { endpoint, region, credentials, path: `${remote.bucket}/${key}` };
    const [cold, withIndex, theirs] = await contest(
      [
        { name: "openArchive, readMany", job: "reading/cold", parameters },
        { name: "the same with a kept index", job: "reading/withIndex", parameters },
        { name: "msglc LazyReader, to_obj", job: "remote/cold", parameters, python },
      ],
      { rounds: context.rounds, lapMs: 0, warmUpMs: 0, warmUpLaps: WARM_UP },
      {
        argument: (round) => paths(root, round),
        ...remote.counting,
      },
    );
    context.row(timeRow(label, cold!, theirs!, goal));
    context.row(timeRow(label, withIndex!, theirs!));
  } finally {
    await remote.close();
  }
}

const over = `browser-compat-data on S3 with ${LATENCY_MS} ms of latency per request, against msglc with s3fs`;

/** Opens an archive on S3 and reads one value. */
export const coldLeaf: Benchmark = {
  name: "cold-leaf",
  what: `open and read a random leaf of ${over}`,
  run: (context) => run(context, "a leaf", (root, round) => [randomLeaf(root, round)], { atMost: 0.5 }),
};

/** Opens an archive on S3 and reads 50 values at once. */
export const fiftySubtrees: Benchmark = {
  name: "fifty-subtrees",
  what: `open and read ${SUBTREES} random subtrees of ${over}`,
  run: (context) => run(context, `${SUBTREES} random subtrees`, subtrees, { atMost: 0.1 }),
};
