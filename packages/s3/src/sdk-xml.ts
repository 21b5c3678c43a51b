import { PeekpackError } from "@peekpack/core";
import { inNode } from "./environment.js";
import type { Sdk } from "./sdk-code.js";

const RESPONSE = "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>";

/**
 * Checks that the SDK can read S3's responses here. Its build for browsers needs DOMParser, which workers and workerd lack. It would
 * begin an upload, and not understand the response: nobody could abort the upload. Sends nothing.
 * @throws PeekpackError `denied`
 */
export async function requireXml({ S3Client, CreateMultipartUploadCommand }: Sdk): Promise<void> {
  if (inNode()) return;
  const client = new S3Client({
    region: "us-east-1",
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
    signer: { sign: async (request) => request },
    requestHandler: {
      handle: async () => ({
        response: { statusCode: 200, headers: {}, body: new Response(RESPONSE).body },
      }),
    },
  });
  try {
    await client.send(new CreateMultipartUploadCommand({ Bucket: "bucket", Key: "key" }));
  } catch (error) {
    throw noXml(error);
  }
}

/** The error of a platform where the SDK cannot read responses. */
export function noXml(cause: unknown): PeekpackError {
  return new PeekpackError(
    "denied",
    'The AWS SDK cannot read responses here: its build for browsers needs DOMParser, which workers do not have. Use writer: "fetch".',
    { section: "sink", cause },
  );
}
