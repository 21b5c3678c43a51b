import { text } from "node:stream/consumers";
import { s3Store } from "@peekpack/s3";
import type { S3Access } from "@peekpack/testing";
import type { Connect, Plugin } from "vite";

/** What the service signs for. */
export interface Signing {
  readonly access: S3Access;
  readonly bucket: string;
  /** In words, which server it is. */
  readonly server: string;
}

/** What the page asks for; nothing of it is trusted. */
interface Wanted {
  readonly path: string;
  readonly method: (typeof METHODS)[number];
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

const METHODS = ["GET", "HEAD", "PUT", "POST", "DELETE"] as const;
const EXPIRES_S = 3600;
/** Far more than the description of a request. */
const LARGEST_BODY = 64 * 1024;

/**
 * What an application's own server does for the page: signs requests for objects of one bucket, so that the page has no key.
 * `GET /presign` says which bucket; `POST /presign` takes `{ path, method, query, headers }` and answers a URL. A real one
 * would ask first who is there, and which objects are theirs.
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
    // Pages of other origins cannot send this type unasked.
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
