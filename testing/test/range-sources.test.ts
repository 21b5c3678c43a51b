import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { blobSource, bytesSource, httpSource, type RangeSource, readEngine } from "@peekpack/core";
import { fileSource } from "@peekpack/node-storage";
import { s3Source, s3Store } from "@peekpack/s3";
import { afterAll, beforeAll, describe, it } from "vitest";
import { type RangeSourceSubject, rangeSourceContract } from "../src/contracts/range-source.js";
import { skippedAsAbsent } from "../src/live.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { type S3Server, type S3ServerKind, startS3 } from "../src/s3/launcher.js";
import { locateS3 } from "../src/s3/locate.js";

/** Runs the contract for a source alone and with the read engine. */
function onEveryMedium(
  name: string,
  open: (bytes: Uint8Array) => RangeSourceSubject | Promise<RangeSourceSubject>,
  options: { readonly versioned?: boolean } = {},
): void {
  rangeSourceContract(name, open, options);
  rangeSourceContract(
    `${name} with the read engine`,
    async (bytes) => {
      const subject = await open(bytes);
      return { ...subject, source: readEngine(subject.source) };
    },
    options,
  );
}

onEveryMedium("memory", (bytes) => ({ source: bytesSource(bytes) }));
onEveryMedium("a Blob", (bytes) => ({ source: blobSource(new Blob([bytes as Uint8Array<ArrayBuffer>])) }));
onEveryMedium(
  "a file",
  async (bytes) => {
    const directory = await mkdtemp(join(tmpdir(), "peekpack-source-"));
    const path = join(directory, "an archive");
    await writeFile(path, bytes);
    return {
      source: fileSource(path),
      async replace(other) {
        await writeFile(`${path}.new`, other);
        await rename(`${path}.new`, path);
      },
      dispose: () => rm(directory, { recursive: true }),
    };
  },
  { versioned: true },
);

onS3("stand-in");
for (const kind of ["rustfs", "versitygw"] as const) {
  const { here, how } = await locateS3(kind);
  if (skippedAsAbsent(`range sources on ${kind}`, here ? undefined : how)) {
    describe.skip(`range sources on ${kind}`, () => {
      it(`is absent: ${how}`, () => {});
    });
  } else {
    onS3(kind);
  }
}

function onS3(kind: S3ServerKind): void {
  describe(kind, () => {
    let server: S3Server;
    let bucket: string;
    let objects = 0;
    beforeAll(async () => {
      server = await startS3({ require: kind, build: false });
      bucket = await freshBucket(server, "sources");
    });
    afterAll(() => server?.close());

    const client = (): ReturnType<typeof s3Client> => s3Client(server);
    const over =
      (source: (Key: string) => RangeSource | Promise<RangeSource>) =>
      async (bytes: Uint8Array): Promise<RangeSourceSubject> => {
        const Key = `object ${++objects}`;
        const put = async (Body: Uint8Array): Promise<void> => {
          const by = client();
          await by.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
          by.destroy();
        };
        await put(bytes);
        return { source: await source(Key), replace: put };
      };
    onEveryMedium(
      "S3 by a store",
      over((key) => s3Store(server).source(`${bucket}/${key}`)),
      {
        versioned: true,
      },
    );
    rangeSourceContract(
      "S3 by a client",
      over((Key) => s3Source(client(), { Bucket: bucket, Key })),
      {
        versioned: true,
      },
    );
    onEveryMedium(
      "HTTP by a presigned URL",
      over(async (key) => httpSource(await s3Store(server).presign(`${bucket}/${key}`))),
      { versioned: true },
    );
  });
}
