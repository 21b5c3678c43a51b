import { combineCrc32, crc32 } from "./crc32.js";
import { multipartEtag, putEtag, sameTag } from "./etag.js";
import type { ObjectOperations } from "./object-operations.js";
import { type Attempt, persist, type RetryOptions } from "./persistence.js";
import { checkPutMode } from "./put-mode.js";
import { S3Error, s3Error } from "./s3-error.js";
import type {
  CommitOptions,
  OpenUpload,
  PutMode,
  StoredObject,
  TransferOptions,
  UploadedPart,
  UploadTarget,
} from "./upload-target.js";

/** What one endpoint has turned out to be able to do; shared by all that write to it. */
export interface EndpointTraits {
  /** Whether it takes CRC32 checksums of whole objects. Assumed until it refuses. */
  crc32: boolean;
}

/** How an object is written. */
export interface ObjectTargetOptions {
  readonly put?: PutMode | undefined;
  readonly retry?: RetryOptions | undefined;
  readonly traits?: EndpointTraits | undefined;
}

/** Makes an {@link UploadTarget} of bare operations: retries, and finds out what became of a request without an answer. */
export function objectTarget(operations: ObjectOperations, options: ObjectTargetOptions = {}): UploadTarget {
  const { label } = operations;
  const { retry, traits = { crc32: true } } = options;
  const put = checkPutMode(options.put ?? "overwrite");

  const request = <T>(
    doing: string,
    { signal, again, bytes }: CommitOptions & { readonly bytes?: number },
    attempt: (now: Attempt) => Promise<T>,
  ): Promise<T> => persist(attempt, { retry, signal, doing, label, bytes, unsure: again });

  /** What is there now. */
  const look = (options: TransferOptions): Promise<StoredObject | undefined> =>
    request("look the object up", options, ({ signal }) => operations.look({ signal }));

  /** Sends what makes the object appear; where its fate is unknown, looks whether it has. */
  const commit = async (
    doing: string,
    size: number,
    options: CommitOptions & { readonly bytes?: number },
    send: (now: Attempt) => Promise<Omit<StoredObject, "size">>,
    expected: () => Promise<string | undefined>,
    confirm?: (stored: StoredObject) => Promise<void>,
  ): Promise<StoredObject> => {
    let unsure = options.again ?? false;
    let stored: StoredObject;
    try {
      stored = await request(doing, options, async (now) => {
        unsure ||= now.unsure;
        return { ...(await send(now)), size };
      });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof S3Error)) throw error;
      if (!unsure && !error.ambiguous && error.status !== 404) throw error;
      const there = await look(options).catch(() => undefined);
      options.signal?.throwIfAborted();
      if (there?.size === size && sameTag(there.etag, await expected())) return there;
      // Not found under If-Match: the object is gone, or the upload is while the object is as it was.
      if (error.status === 404 && typeof put === "object" && sameTag(there?.etag, put.ifMatch))
        throw s3Error(error, { doing, label });
      throw error;
    }
    if (unsure) await confirm?.(stored);
    return stored;
  };

  /**
   * Looks whether an upload that counts as complete has made the object. A server that was killed while it completed it may
   * take it for done (versitygw 1.8 does) although the object is the old one.
   */
  const confirmed =
    (options: TransferOptions) =>
    async ({ etag, size }: StoredObject): Promise<void> => {
      let there: StoredObject | undefined;
      try {
        there = await look(options);
      } catch (error) {
        options.signal?.throwIfAborted();
        // Who may write need not be allowed to look.
        if (error instanceof S3Error && error.code !== "denied") throw error;
        return;
      }
      if (there?.size === size && (etag === undefined || sameTag(there.etag, etag))) return;
      const message = `${label}: the server calls the upload complete, and the object is another.`;
      throw new S3Error("not-found", message, { status: 200 });
    };

  /** Runs `send` with checksums, and without where the endpoint turns out not to know them. */
  const withChecksums = async <T>(send: (crc: boolean) => Promise<T>): Promise<T> => {
    if (!traits.crc32) return send(false);
    try {
      return await send(true);
    } catch (error) {
      if (!(error instanceof S3Error) || !rejectsChecksums(error)) throw error;
      const result = await send(false);
      traits.crc32 = false;
      return result;
    }
  };

  return {
    label,
    put,
    putObject(body, options = {}) {
      return commit(
        "put the object",
        body.length,
        { ...options, bytes: body.length },
        ({ signal }) =>
          withChecksums((crc) =>
            operations.put(body, { put, signal, ...(crc ? { crc32: crc32(body) } : {}) }),
          ),
        () => putEtag(body),
      );
    },
    createUpload({ checksums = true, ...options } = {}) {
      const begin = checksums
        ? withChecksums
        : <T>(send: (crc: boolean) => Promise<T>): Promise<T> => send(false);
      return request("begin an upload", options, ({ signal }) =>
        begin(async (crc) => ({ id: await operations.create({ signal, crc32: crc }), crc32: crc })),
      );
    },
    uploadPart(upload, number, body, options = {}) {
      const sum = upload.crc32 ? { crc32: crc32(body) } : {};
      return request(`upload part ${number}`, { ...options, bytes: body.length }, async ({ signal }) => {
        const etag = await operations.uploadPart(upload, number, body, { signal, ...sum });
        return { number, size: body.length, etag, ...sum };
      });
    },
    ...(operations.copyPart && {
      copyPart(upload, number, source, options = {}) {
        return request(`copy part ${number}`, options, async ({ signal }) => {
          const etag = await operations.copyPart!(upload, number, source, { signal });
          return { number, size: source.end - source.start, etag };
        });
      },
    }),
    ...(operations.remove && {
      removeObject: (options = {}) =>
        request("remove the object", options, ({ signal }) => operations.remove!({ signal })),
    }),
    async listParts(upload, options = {}) {
      const parts: UploadedPart[] = [];
      for (let after: number | undefined; ; ) {
        const page = await request("list the parts", options, ({ signal }) =>
          operations.listParts(upload, after, { signal }),
        );
        parts.push(...page.parts);
        // A server whose marker stands still would be asked for ever.
        if (page.next === undefined || page.next <= (after ?? 0)) return parts;
        after = page.next;
      }
    },
    completeUpload(upload, parts, options = {}) {
      const gap = parts.findIndex(({ number }, index) => number !== index + 1);
      if (parts.length === 0 || gap >= 0) throw new RangeError("Parts are numbered from 1 without a gap.");
      const whole = wholeCrc32(upload, parts);
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      return commit(
        "complete the upload",
        size,
        options,
        ({ signal }) =>
          operations.complete(upload, parts, {
            put,
            signal,
            ...(whole === undefined ? {} : { crc32: whole }),
          }),
        () => multipartEtag(parts),
        confirmed(options),
      );
    },
    async abortUpload(upload, options = {}) {
      // A part that was on its way when the upload was aborted may bring it back: look again, and abort again.
      for (let round = 0; round < 3; round++) {
        try {
          await request("abort the upload", options, ({ signal }) => operations.abort(upload, { signal }));
          await request("list the parts", options, ({ signal }) =>
            operations.listParts(upload, undefined, { signal }),
          );
        } catch (error) {
          if (error instanceof S3Error && error.code === "not-found") return;
          throw error;
        }
      }
      throw s3Error({}, { doing: "abort the upload: it comes back", label });
    },
  };
}

/** CRC32 of the whole object, combined from those of the parts. Undefined where one is missing. */
function wholeCrc32(upload: OpenUpload, parts: readonly UploadedPart[]): number | undefined {
  if (!upload.crc32) return undefined;
  let whole: number | undefined;
  for (const part of parts) {
    if (part.crc32 === undefined) return undefined;
    whole = whole === undefined ? part.crc32 : combineCrc32(whole, part.crc32, part.size);
  }
  return whole;
}

function rejectsChecksums({ status, s3Code }: S3Error): boolean {
  if (status === 501) return true;
  return (
    status === 400 &&
    /^(InvalidRequest|InvalidArgument|NotImplemented|XNotImplemented|UnsupportedArgument)$/.test(s3Code ?? "")
  );
}
