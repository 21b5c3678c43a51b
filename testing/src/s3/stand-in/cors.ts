import type { IncomingHttpHeaders } from "node:http";
import type { Storage } from "./buckets.js";
import type { Context } from "./context.js";
import { type CorsRule, corsHeadersOf, matchingRule } from "./cors-rule.js";
import { header, type Reply, type S3Request } from "./request.js";
import { malformedXml, S3Error } from "./s3-error.js";
import { readXml, renderXml } from "./xml.js";

const METHODS = ["GET", "PUT", "HEAD", "POST", "DELETE"];

export async function putBucketCors(context: Context): Promise<Reply> {
  const { bucket } = context;
  const document = readXml(await context.text(), "CORSConfiguration");
  const rules = document.all("CORSRule").map((rule): CorsRule => {
    const texts = (name: string): string[] => rule.all(name).map((item) => item.own());
    const maxAge = rule.text("MaxAgeSeconds");
    return {
      origins: texts("AllowedOrigin"),
      methods: texts("AllowedMethod"),
      headers: texts("AllowedHeader"),
      exposed: texts("ExposeHeader"),
      maxAge: maxAge === undefined ? undefined : Number(maxAge),
    };
  });
  if (rules.length === 0 || rules.length > 100) throw malformedXml();
  for (const rule of rules) {
    if (rule.origins.length === 0 || rule.methods.length === 0) throw malformedXml();
    const wrong = rule.methods.find((method) => !METHODS.includes(method));
    if (wrong !== undefined)
      throw new S3Error(
        400,
        "InvalidRequest",
        `Found unsupported HTTP method in CORS config. Unsupported method is ${wrong}`,
      );
  }
  bucket.corsRules = rules;
  return { status: 200 };
}

export function getBucketCors(context: Context): Reply {
  const { corsRules, name } = context.bucket;
  if (corsRules === undefined)
    throw new S3Error(404, "NoSuchCORSConfiguration", "The CORS configuration does not exist", {
      BucketName: name,
    });
  return {
    status: 200,
    xml: renderXml("CORSConfiguration", {
      CORSRule: corsRules.map((rule) => ({
        AllowedOrigin: rule.origins,
        AllowedMethod: rule.methods,
        AllowedHeader: rule.headers,
        ExposeHeader: rule.exposed,
        MaxAgeSeconds: rule.maxAge,
      })),
    }),
  };
}

export function deleteBucketCors(context: Context): Reply {
  context.bucket.corsRules = undefined;
  return { status: 204 };
}

/** The CORS headers of a response; empty if no rule matches the request's origin. */
export function corsHeaders(
  storage: Storage,
  bucket: string,
  headers: IncomingHttpHeaders,
  method: string,
): Record<string, string> {
  const origin = header(headers, "origin");
  const rules = storage.buckets.get(bucket)?.corsRules;
  if (origin === undefined || rules === undefined) return {};
  const rule = matchingRule(rules, origin, method, []);
  return rule === undefined ? {} : corsHeadersOf(rule, origin);
}

/**
 * Responds to a preflight. Preflights are never signed.
 * @throws S3Error AccessForbidden
 */
export function preflight(storage: Storage, request: S3Request): Reply {
  const origin = header(request.headers, "origin");
  const method = header(request.headers, "access-control-request-method");
  if (origin === undefined || method === undefined)
    throw new S3Error(400, "BadRequest", "Insufficient information. Origin request header needed.");
  const rules = storage.buckets.get(request.bucket)?.corsRules;
  if (rules === undefined)
    throw new S3Error(403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.");
  const requested = (header(request.headers, "access-control-request-headers") ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  const rule = matchingRule(rules, origin, method, requested);
  if (rule === undefined)
    throw new S3Error(
      403,
      "AccessForbidden",
      "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
    );
  return {
    status: 200,
    headers: {
      ...corsHeadersOf(rule, origin),
      ...(requested.length === 0 ? {} : { "access-control-allow-headers": requested.join(", ") }),
    },
  };
}
