import { text } from "node:stream/consumers";
import { s3Store } from "@peekpack/s3";
import type { S3Access } from "@peekpack/testing";
import type { Connect, Plugin } from "vite";

/** The server and the bucket for which the service signs. */
export interface Signing {
  readonly access: S3Access;
  readonly bucket: string;
  /** The server, in words. */
  readonly server: string;
}

/** The body of a request. It is not trusted. */
interface Wanted {
  readonly path: string;
  readonly method: (typeof METHODS)[number];
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"] as const;
const EXPIRES_S = 3600;
/** The largest body of a request. */
const LARGEST_BODY = 64 * 1024;

/**
 * A signing service: signs requests for objects of one bucket, so that the page needs no key. `GET /presign` returns the
 * bucket. `POST /presign` takes `{ path, method, query, headers }` and returns a URL. A real service would authenticate the
 * user first, and check which objects are theirs.
 */
export function signingService(signing: () => Signing | undefined): Plugin {
  const answer: Connect.NextHandleFunction = async (request, response, next) => {
    if (request.url !== "/presign") return next();
    const refuse = (status: number): void => {
      response.statusCode = status;
      response.end();
    };
    const ready = signing();
    if (ready === undefined) return refuse(503);
    const { access, bucket, server } = ready;
    if (request.method === "GET") {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ bucket, server }));
      return;
    }
    // Pages of other origins cannot send this content type without a preflight.
    const typed = request.headers["content-type"] === "application/json";
    if (request.method !== "POST" || !typed) return refuse(405);
    if (!(Number(request.headers["content-length"]) <= LARGEST_BODY)) return refuse(413);
    try {
      const { path, method, query, headers } = JSON.parse(await text(request)) as Wanted;
      if (!METHODS.includes(method) || !String(path).startsWith(`${bucket}/`)) return refuse(403);
      response.end(await s3Store(access).presign(path, { method, query, headers, expiresIn: EXPIRES_S }));
    } catch {
      refuse(400);
    }
  };
  return {
    name: "signing-service",
    configureServer: (server) => void server.middlewares.use(answer),
    configurePreviewServer: (server) => void server.middlewares.use(answer),
  };
}
