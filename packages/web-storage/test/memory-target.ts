import { crc32 } from "node:zlib";
import { PeekpackError } from "@peekpack/core";
import type { UploadTarget } from "@peekpack/s3";
import type { OpenUpload, UploadedPart } from "@peekpack/s3/internal";

/** An upload target in memory. */
export interface MemoryTarget extends UploadTarget {
  object: Uint8Array | undefined;
  readonly uploads: Map<string, Map<number, Uint8Array>>;
  /** Names of the calls, such as 'uploadPart 3'. */
  readonly calls: string[];
  /** Called before each call, which fails with its error. */
  before: (call: string) => void | Promise<void>;
}

/** Makes a {@link MemoryTarget}. */
export function memoryTarget(
  label = "s3://bucket/key",
  put: UploadTarget["put"] = "overwrite",
): MemoryTarget {
  const uploads: MemoryTarget["uploads"] = new Map();
  const etag = (bytes: Uint8Array): string => `"${crc32(bytes).toString(16)}"`;
  const called = async (name: string): Promise<void> => {
    target.calls.push(name);
    await target.before(name);
  };
  const uploadOf = ({ id }: OpenUpload): Map<number, Uint8Array> => {
    const upload = uploads.get(id);
    if (upload === undefined) throw new PeekpackError("not-found", "There is no such upload.");
    return upload;
  };
  const partOf = (number: number, bytes: Uint8Array): UploadedPart => ({
    number,
    size: bytes.length,
    etag: etag(bytes),
  });
  const target: MemoryTarget = {
    label,
    put,
    object: undefined,
    uploads,
    calls: [],
    before: () => {},
    async putObject(body) {
      await called("putObject");
      target.object = body.slice();
      return { size: body.length, etag: etag(body) };
    },
    async createUpload() {
      await called("createUpload");
      const id = `upload-${uploads.size + 1}-${target.calls.length}`;
      uploads.set(id, new Map());
      return { id, crc32: false };
    },
    async uploadPart(upload, number, body) {
      await called(`uploadPart ${number}`);
      uploadOf(upload).set(number, body.slice());
      return partOf(number, body);
    },
    async listParts(upload) {
      await called("listParts");
      return [...uploadOf(upload)]
        .map(([number, bytes]) => partOf(number, bytes))
        .sort((a, b) => a.number - b.number);
    },
    async completeUpload(upload, parts) {
      await called("completeUpload");
      const all = parts.map(({ number }) => uploadOf(upload).get(number)!);
      target.object = new Uint8Array(all.reduce((sum, bytes) => sum + bytes.length, 0));
      let at = 0;
      for (const bytes of all) {
        target.object.set(bytes, at);
        at += bytes.length;
      }
      uploads.delete(upload.id);
      return { size: target.object.length, etag: etag(target.object) };
    },
    async abortUpload({ id }) {
      await called("abortUpload");
      uploads.delete(id);
    },
  };
  return target;
}
