import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { patterned } from "../src/contracts/s3/subject.js";
import { type FaultProxy, startFaultProxy } from "../src/faults/proxy.js";
import { freshBucket, s3Client } from "../src/s3/client.js";
import { sendRequest, signRequest, type WholeResponse } from "../src/s3/signing.js";
import { type StandIn, startStandIn } from "../src/s3/stand-in/server.js";

export const SIZE = 300_000;
export const KEY = "some key";
/** The object at KEY before each test. */
export const bytes: Buffer = patterned(SIZE, 7);

/** A stand-in behind a fault proxy, new for each test. */
export class FaultSubject {
  standIn!: StandIn;
  bucket!: string;
  proxy!: FaultProxy;

  /** Puts an object, bypassing the proxy. */
  async putDirectly(key: string, body: Uint8Array | string): Promise<void> {
    const client = s3Client(this.standIn);
    await client.send(new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body }));
    client.destroy();
  }

  /** Reads KEY through the proxy with a signed range. */
  async get(range?: string, headers: Record<string, string> = {}): Promise<WholeResponse> {
    return sendRequest(
      await signRequest(this.proxy.access, {
        path: `${this.bucket}/${KEY}`,
        headers: { ...headers, ...(range === undefined ? {} : { range }) },
      }),
    );
  }

  /** Writes through the proxy. */
  async put(body: Uint8Array | string, key: string = KEY): Promise<WholeResponse> {
    return sendRequest(
      await signRequest(this.proxy.access, { method: "PUT", path: `${this.bucket}/${key}`, body }),
    );
  }
}

/** Registers hooks that start and close the subject. It is usable within tests. */
export function faultSubject(): FaultSubject {
  const subject = new FaultSubject();
  beforeAll(async () => {
    subject.standIn = await startStandIn();
    subject.bucket = await freshBucket(subject.standIn, "faults");
  });
  afterAll(() => subject.standIn.close());
  beforeEach(async () => {
    await subject.putDirectly(KEY, bytes);
    subject.proxy = await startFaultProxy(subject.standIn);
  });
  afterEach(() => subject.proxy.close());
  return subject;
}
