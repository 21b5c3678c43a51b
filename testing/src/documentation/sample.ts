import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { encodeArchive, writeArchive } from "@peekpack/core";
import { s3Store } from "@peekpack/s3";
import { zstdSink } from "@peekpack/zstd";
import { s3Client } from "../s3/client.js";
import type { S3Server } from "../s3/launcher.js";

/** Endpoint of the S3 service in the documentation. */
const ENDPOINT = /https:\/\/s3\.example\.org/g;
/** Address of a public archive in the documentation. */
const ADDRESS = /https:\/\/example\.org\/([\w./-]+)/g;

/** What the pages of the documentation find: a folder, and the bucket `bucket` on a server. */
export interface Surroundings {
  /** Environment variables with the server and its credentials. */
  readonly env: Readonly<Record<string, string>>;
  /** Replaces the documentation's addresses by those of the server. */
  localized(code: string): Promise<string>;
}

function sampleData(): Record<string, unknown> {
  const numbers = Array.from({ length: 400 }, (_, i) => i);
  return {
    entries: numbers.map((i) => ({ name: `sample-${i}`, gap: (i % 40) / 10, energy: -i, "a/b": [i] })),
    columns: { energy: numbers.map((i) => -i - 0.5) },
  };
}

/** Fills a folder and a bucket with the data that every page of the documentation works on. */
export async function surroundings(folder: string, server: S3Server): Promise<Surroundings> {
  const data = sampleData();
  const archive = encodeArchive(data);
  const rows = data.entries as Record<string, unknown>[];
  const files: Record<string, string | Uint8Array> = {
    "data.msglc": archive,
    "first.msglc": archive,
    "second.msglc": archive,
    "data.json": JSON.stringify(data),
    "measurements.csv": ["name,gap", ...rows.map(({ name, gap }) => `${name},${gap}`)].join("\n"),
    "logs/monday.ndjson": rows.map((row) => JSON.stringify(row)).join("\n"),
    "logs/tuesday.ndjson": rows.map((row) => JSON.stringify(row)).join("\n"),
  };
  mkdirSync(join(folder, "logs"), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);

  const client = s3Client(server);
  await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
  client.destroy();
  const store = s3Store({ ...server, writer: "fetch" });
  for (const key of ["data.msglc", "first.msglc", "second.msglc"]) {
    await writeArchive(store.sink(`bucket/${key}`), data);
  }
  await writeArchive(zstdSink(store.sink("bucket/data.msglc.zst")), data);
  return {
    env: {
      AWS_ENDPOINT_URL_S3: server.endpoint,
      AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
      AWS_REGION: server.region,
    },
    async localized(code) {
      const urls = new Map<string, string>();
      for (const [url, key] of code.matchAll(ADDRESS)) urls.set(url, await store.presign(`bucket/${key}`));
      return code.replace(ADDRESS, (url) => urls.get(url)!).replace(ENDPOINT, server.endpoint);
    },
  };
}
