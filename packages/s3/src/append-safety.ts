import { isPeekpackError, PeekpackError } from "@peekpack/core";
import { APPENDS_LOSE, type Capability, type ReplacingRequest } from "./capability.js";
import type { CombineContext } from "./combine-children.js";
import type { UploadTarget } from "./upload-target.js";

const IGNORED = `The server ignores If-Match: ${APPENDS_LOSE}`;
const OTHER_ETAG = '"00000000000000000000000000000000"';

/**
 * Checks that the server honors `If-Match`. Unless that is known, it tries to replace an object that does not exist, once for a
 * store: the key of the archive with '.peekpack-probe-…'. If the server forbids even that, the result is unknown, and is taken
 * for safe.
 * @throws PeekpackError `conflict` if appending could lose children
 */
export async function checkReplacing(
  context: CombineContext,
  request: ReplacingRequest,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { safety, label } = context;
  safety[request] ??= await probeReplacing(context, request, signal);
  const { supported, explanation } = safety[request];
  if (supported !== false) return;
  throw new PeekpackError(
    "conflict",
    `${label}: appending is not safe here. ${explanation} If this is the only one, pass soleWriter: true.`,
    { section: "sink" },
  );
}

async function probeReplacing(
  context: CombineContext,
  request: ReplacingRequest,
  signal: AbortSignal | undefined,
): Promise<Capability> {
  const { bucket, key } = context.location;
  const location = { bucket, key: `${key}.peekpack-probe-${crypto.randomUUID()}` };
  const target = await context.target(location, { ifMatch: OTHER_ETAG });
  try {
    await replacers[request](target, signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (!isPeekpackError(error) || error.code === "network") throw error;
    const refused = error.code === "changed";
    return refused
      ? { supported: true, explanation: "The server honors If-Match." }
      : { supported: undefined, explanation: "It is unknown whether the server honors If-Match." };
  }
  await target.removeObject?.({ signal });
  return { supported: false, explanation: IGNORED };
}

const BODY = Uint8Array.of(0);

const replacers: Readonly<
  Record<ReplacingRequest, (target: UploadTarget, signal: AbortSignal | undefined) => Promise<unknown>>
> = {
  put: (target, signal) => target.putObject(BODY, { signal }),
  async complete(target, signal) {
    const upload = await target.createUpload({ signal, checksums: false });
    try {
      const part = await target.uploadPart(upload, 1, BODY, { signal });
      await target.completeUpload(upload, [part], { signal });
    } catch (error) {
      await target.abortUpload(upload).catch(() => {});
      throw error;
    }
  },
};
