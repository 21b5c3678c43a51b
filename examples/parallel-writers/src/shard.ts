/**
 * One writer: generates a shard and writes it to S3 without a local disk. main.ts runs it once for each shard, in its own
 * process. Its task is JSON on standard input, so that no list of processes shows the credentials.
 */
import { text } from "node:stream/consumers";
import { listOf, mapOf, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";

/** The task of a writer. */
export interface ShardTask {
  readonly server: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  readonly path: string;
  readonly shard: number;
  readonly samples: number;
}

/** Results of a simulation, generated one by one. */
async function* samples(shard: number, count: number): AsyncGenerator<unknown> {
  for (let i = 0; i < count; i++) {
    const phase = (shard * count + i) / 100;
    const positions = Array.from({ length: 12 }, (_, atom) => [
      Math.sin(phase + atom),
      Math.cos(phase + atom),
      atom / 3,
    ]);
    yield { id: `${shard}-${i}`, energy: -13.6 * Math.exp(-Math.abs(Math.sin(phase))), positions };
  }
}

const task = JSON.parse(await text(process.stdin)) as ShardTask;
const store = s3Store(task.server);
const result = await writeArchive(
  store.sink(task.path, { put: "create" }),
  mapOf([
    ["shard", task.shard],
    ["samples", listOf(samples(task.shard, task.samples), { count: task.samples })],
  ]),
);
process.stdout.write(JSON.stringify({ size: result.size }));
