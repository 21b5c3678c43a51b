import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { s3Client, startFaultProxy } from "@peekpack/testing";
import type { Benchmark } from "../benchmark.js";
import { contest, type LapSeries, medians } from "../contest.js";
import { Contestant } from "../contestant.js";
import { startRemote } from "../remote.js";
import { figureRow, rateRow } from "../row.js";

const MiB = 1024 * 1024;

/** One figure of a series as a side of a row. */
const figureOf = (series: LapSeries, figure: number): { name: string; figure: number; facts: object } => ({
  name: series.name,
  figure,
  facts: {},
});

/** Streams an archive to S3. */
export const upload: Benchmark = {
  name: "upload",
  what: "stream an archive to S3 without a spool, against the SDK's Upload of the same stream",
  async run(context) {
    const size = Math.ceil(context.streamBytes / MiB) * MiB;
    const remote = await startRemote(context.log);
    const client = s3Client(remote.server);
    try {
      const { endpoint, region, credentials } = remote.server;
      const parameters = { endpoint, region, credentials, bucket: remote.bucket, size };
      const remove = async (): Promise<void> => {
        for (const Key of ["ours", "theirs"]) {
          await client.send(new DeleteObjectCommand({ Bucket: remote.bucket, Key }));
        }
      };
      const [ours, theirs] = await contest(
        [
          {
            name: "writeArchive to store.sink",
            job: "writing/sink",
            parameters: { ...parameters, key: "ours" },
          },
          {
            name: "lib-storage Upload",
            job: "writing/upload",
            parameters: { ...parameters, key: "theirs" },
          },
        ],
        // A long stream needs no warm-up.
        {
          rounds: Math.min(context.rounds, 3),
          lapMs: 0,
          warmUpMs: 0,
          warmUpLaps: size > 256 * MiB ? 0 : 1,
        },
        { before: remove },
      );
      const label = `a stream of ${size / MiB} MiB`;
      context.row(rateRow(label, ours!, theirs!, { atLeast: 0.9 }));
      const { peakRssBytes, facts } = medians(ours!);
      const limit = { name: "200 MiB", figure: 200 * MiB, facts: {} };
      context.row(
        figureRow(
          label,
          "peak RSS",
          { ...figureOf(ours!, peakRssBytes), facts: { rssBytes: peakRssBytes } },
          limit,
          { atMost: 1 },
        ),
      );
      if (facts.diskBytes !== undefined) {
        context.row(
          figureRow(
            label,
            "written to local disks",
            { ...figureOf(ours!, facts.diskBytes), facts: { diskBytes: facts.diskBytes } },
            { name: "the stream's bytes", figure: size, facts: {} },
            { atMost: 0.0001 },
          ),
        );
      }
    } finally {
      client.destroy();
      await remote.close();
    }
  },
};

/** Appends a small archive to a large one on S3. */
export const serverAppend: Benchmark = {
  name: "server-append",
  what: "append 1 MB to an archive on S3, against the SDK's Upload of the whole object",
  async run(context) {
    const size = Math.ceil(Math.min(context.streamBytes, 1024 * MiB) / MiB) * MiB;
    const remote = await startRemote(context.log);
    const proxy = await startFaultProxy(remote.server);
    try {
      const { endpoint, region, credentials } = remote.server;
      const direct = { endpoint, region, credentials, bucket: remote.bucket, size };
      const base = await Contestant.start({
        name: "preparation",
        job: "writing/base",
        parameters: { ...direct, key: "ours" },
      });
      await base.lap(1).finally(() => base.close());
      const [ours, theirs] = await contest(
        [
          {
            name: "store.append",
            job: "writing/append",
            parameters: { ...direct, endpoint: proxy.endpoint, key: "ours", size: 1_000_000 },
          },
          {
            name: "lib-storage Upload",
            job: "writing/upload",
            parameters: { ...direct, key: "theirs" },
          },
        ],
        { rounds: Math.min(context.rounds, 3), lapMs: 0, warmUpMs: 0, warmUpLaps: 0 },
        {
          before: () => proxy.reset(),
          after() {
            const { requests, wireUp, wireDown } = proxy.totals();
            return { requests, wireBytes: wireUp + wireDown };
          },
        },
      );
      const label = `1 MB to ${size / MiB} MiB`;
      context.row(rateRow(label, ours!, theirs!, { atLeast: 0.9 }));
      const { requests, wireBytes } = medians(ours!).facts as { requests: number; wireBytes: number };
      context.row(
        figureRow(
          label,
          "bytes on the wire",
          { name: ours!.name, figure: wireBytes, facts: { requests, wireBytes } },
          { name: "12 MiB", figure: 12 * MiB, facts: {} },
          { atMost: 1 },
        ),
      );
    } finally {
      await proxy.close();
      await remote.close();
    }
  },
};
