import type { S3Connection } from "./connection.js";
import { secretsOf } from "./error-code.js";
import { httpOperations } from "./http-operations.js";
import type { ObjectLocation } from "./location.js";
import type { ObjectOperations } from "./object-operations.js";

/** The operations of one object over fetch. The signature covers the body's SHA-256. */
export function signedOperations(
  connection: S3Connection,
  { bucket, key }: ObjectLocation,
  label: string,
): ObjectOperations {
  return httpOperations(
    async ({ operation: _, ...request }) => ({
      send: () => connection.send({ ...request, bucket, key }),
      secrets: secretsOf(await connection.credentials()),
    }),
    label,
  );
}
