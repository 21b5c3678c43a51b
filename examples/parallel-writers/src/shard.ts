/**
 * One writer: makes a shard and writes it straight to S3, without a disk. Run by main.ts, once for each shard, as a process of
 * its own. What it needs comes in as JSON on standard input, credentials included, so that no list of processes shows them.
 */
import { text } from "node:stream/consumers";
import { listOf, mapOf, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";

/** What a writer is told. */
export interface ShardOrder {
  readonly server: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  readonly path: string;
  readonly shard: number;
  readonly samples: number;
}

/** A simulation's results: made one by one, never all in memory. */
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

const order = JSON.parse(await text(process.stdin)) as ShardOrder;
const store = s3Store(order.server);
const result = await writeArchive(
  store.sink(order.path, { put: "create" }),
  mapOf([
    ["shard", order.shard],
    ["samples", listOf(samples(order.shard, order.samples), { count: order.samples })],
  ]),
);
process.stdout.write(JSON.stringify({ size: result.size }));
