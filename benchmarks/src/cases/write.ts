import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { s3Client, startFaultProxy } from "@peekpack/testing";
import type { Benchmark } from "../benchmark.js";
import { type Course, contest, middle } from "../contest.js";
import { Contestant } from "../contestant.js";
import { startRemote } from "../remote.js";
import { figureRow, rateRow } from "../row.js";

const MiB = 1024 * 1024;

/** What one of them may be at most, as a row of its own. */
const bound = (course: Course, figure: number): { name: string; figure: number; facts: object } => ({
  name: course.name,
  figure,
  facts: {},
});

/** A stream, written to S3 while it is produced. */
export const upload: Benchmark = {
  name: "upload",
  what: "a stream to an archive on S3 without a spool, against the SDK's Upload of the same stream",
  async run(context) {
    const size = Math.ceil(context.streamBytes / MiB) * MiB;
    // rustfs, where it was built without optimisation, is slower than both.
    const remote = await startRemote(context.log, "versitygw");
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
        // A stream is long enough to be its own warm-up.
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
      const { peakRssBytes, facts } = middle(ours!);
      const limit = { name: "200 MiB", figure: 200 * MiB, facts: {} };
      context.row(
        figureRow(
          label,
          "peak RSS",
          { ...bound(ours!, peakRssBytes), facts: { rssBytes: peakRssBytes } },
          limit,
          { atMost: 1 },
        ),
      );
      if (facts.diskBytes !== undefined) {
        context.row(
          figureRow(
            label,
            "written to local disks",
            { ...bound(ours!, facts.diskBytes), facts: { diskBytes: facts.diskBytes } },
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

/** A small archive, appended to a large one on S3. */
export const serverAppend: Benchmark = {
  name: "server-append",
  what: "1 MB appended to an archive on S3, against the SDK's Upload of the same object",
  async run(context) {
    const size = Math.ceil(Math.min(context.streamBytes, 1024 * MiB) / MiB) * MiB;
    const remote = await startRemote(context.log, "versitygw");
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
      const { requests, wireBytes } = middle(ours!).facts as { requests: number; wireBytes: number };
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
