import type { Storage } from "./buckets.js";
import type { Context } from "./context.js";
import type { Reply, S3Request } from "./request.js";
import { S3Error } from "./s3-error.js";

const malformedPolicy = (why: string): S3Error => new S3Error(400, "MalformedPolicy", why);

/**
 * Stores the only policy that the stand-in knows: everybody may read the bucket's objects.
 * @throws S3Error MalformedPolicy for any other
 */
export async function putBucketPolicy(context: Context): Promise<Reply> {
  const { bucket } = context;
  const text = await context.text();
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    throw malformedPolicy("This policy contains invalid Json");
  }
  const { Statement } = (policy ?? {}) as { Statement?: unknown };
  const statements = [Statement].flat() as Partial<Record<string, unknown>>[];
  const [statement] = statements;
  const isPublicRead =
    statements.length === 1 &&
    statement?.Effect === "Allow" &&
    statement.Condition === undefined &&
    isOnly(statement.Principal, "*") &&
    isOnly(statement.Action, "s3:GetObject") &&
    isOnly(statement.Resource, `arn:aws:s3:::${bucket.name}/*`);
  if (!isPublicRead) throw malformedPolicy("The stand-in knows only the policy that everybody may read.");
  bucket.policy = text;
  return { status: 204 };
}

export function deleteBucketPolicy(context: Context): Reply {
  context.bucket.policy = undefined;
  return { status: 204 };
}

/** Whether a request carries no signature, and reads an object that everybody may read. */
export function isPublicRead(storage: Storage, { method, bucket, key, query, headers }: S3Request): boolean {
  const isUnsigned = headers.authorization === undefined && query.size === 0;
  const reads = (method === "GET" || method === "HEAD") && key !== "";
  return isUnsigned && reads && storage.buckets.get(bucket)?.policy !== undefined;
}

/** Whether an element of a policy is one value: bare, in a list, or as the principal `AWS`. */
function isOnly(element: unknown, value: string): boolean {
  const values = [(element as { AWS?: unknown } | undefined)?.AWS ?? element].flat();
  return values.length === 1 && values[0] === value;
}
