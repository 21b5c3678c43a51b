import type { IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import { isPeekpackError } from "@peekpack/core";
import { presignUpload, s3Store, type UploadRequest } from "@peekpack/s3";
import type { S3Access } from "@peekpack/testing";
import type { Connect, Plugin } from "vite";

/** The server and the bucket for which the service signs. */
export interface Signing {
  readonly access: S3Access;
  readonly bucket: string;
  /** The server, in words. */
  readonly server: string;
  /** The address of an explorer that may read from the bucket. */
  readonly explorer?: string | undefined;
}

/** The body of a request. It is not trusted: `presignUpload` checks it. */
interface SigningRequest extends UploadRequest {
  readonly path: string;
}

const EXPIRES_S = 3600;
/** Maximum size of a body in bytes. */
const MAX_BODY = 64 * 1024;

/**
 * A signing service: signs requests for objects of one bucket, so that the page needs no key. `GET /presign` returns the
 * bucket, and the address of an explorer if there is one. `POST /presign` takes `{ path, operation, query, headers }` and
 * returns a URL, for reading an object or for a request of an upload to it. A real service would authenticate the user first, and check which objects are theirs.
 */
export function signingService(signing: () => Signing | undefined): Plugin {
  const respond: Connect.NextHandleFunction = async (request, response, next) => {
    if (request.url !== "/presign") return next();
    const refuse = (status: number): void => {
      response.statusCode = status;
      response.end();
    };
    if (!isOwnPage(request.headers)) return refuse(403);
    const ready = signing();
    if (ready === undefined) return refuse(503);
    const { access, bucket, server, explorer } = ready;
    if (request.method === "GET") {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ bucket, server, explorer }));
      return;
    }
    // Pages of other origins cannot send this content type without a preflight.
    const typed = request.headers["content-type"] === "application/json";
    if (request.method !== "POST" || !typed) return refuse(405);
    if (!(Number(request.headers["content-length"]) <= MAX_BODY)) return refuse(413);
    try {
      const { path, ...wanted } = JSON.parse(await text(request)) as SigningRequest;
      if (!String(path).startsWith(`${bucket}/`)) return refuse(403);
      const store = s3Store(access);
      const options = { expiresIn: EXPIRES_S };
      const url =
        wanted.operation === "GetObject"
          ? store.presign(path, options)
          : presignUpload(store, path, wanted, options);
      response.end(await url);
    } catch (error) {
      refuse(isPeekpackError(error) && error.code === "denied" ? 403 : 400);
    }
  };
  return {
    name: "signing-service",
    configureServer: (server) => void server.middlewares.use(respond),
    configurePreviewServer: (server) => void server.middlewares.use(respond),
  };
}

/**
 * Whether a request comes from a page of this server. A name that an attacker resolves to this machine is another host, and a page
 * of another site has another origin.
 */
function isOwnPage({ host = "", origin }: IncomingHttpHeaders): boolean {
  const isLocal = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);
  return isLocal && (origin === undefined || origin === `http://${host}`);
}
