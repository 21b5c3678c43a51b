import {
  AbortMultipartUploadCommand,
  type BucketLocationConstraint,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import type { Credentials } from "./stand-in/signature.js";

/** How to reach an S3 endpoint. */
export interface S3Access {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: Credentials & { readonly sessionToken?: string | undefined };
}

/** Creates a client with path-style addressing. The caller must destroy it. */
export function s3Client(access: S3Access, options: { readonly maxAttempts?: number } = {}): S3Client {
  const { accessKeyId, secretAccessKey, sessionToken } = access.credentials;
  return new S3Client({
    endpoint: access.endpoint,
    region: access.region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    forcePathStyle: true,
    ...options,
  });
}

async function withClient<T>(access: S3Access, use: (client: S3Client) => Promise<T>): Promise<T> {
  const client = s3Client(access);
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

/** Creates a bucket with a unique name that starts with `name`. @returns its name */
export async function freshBucket(access: S3Access, name = "peekpack"): Promise<string> {
  const random = Math.random().toString(36).slice(2, 10).padEnd(8, "0");
  const Bucket = `${name.toLowerCase()}-${random}`;
  const LocationConstraint = access.region as BucketLocationConstraint;
  await withClient(access, (client) =>
    client.send(
      new CreateBucketCommand({
        Bucket,
        ...(access.region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint } }),
      }),
    ),
  );
  return Bucket;
}

/** Response headers that a page needs to read ranges and to compare versions. */
export const EXPOSED_HEADERS: readonly string[] = [
  "ETag",
  "Content-Range",
  "Content-Length",
  "Accept-Ranges",
  "Last-Modified",
  "x-amz-version-id",
  "x-amz-request-id",
];

/** Allows pages of the given origins to read and write a bucket and to see {@link EXPOSED_HEADERS}. */
export async function setCors(access: S3Access, bucket: string, origins: readonly string[]): Promise<void> {
  await withClient(access, (client) =>
    client.send(
      new PutBucketCorsCommand({
        Bucket: bucket,
        CORSConfiguration: {
          CORSRules: [
            {
              AllowedOrigins: [...origins],
              AllowedMethods: ["GET", "HEAD", "PUT", "POST", "DELETE"],
              // Servers echo the requested headers, so "*" covers Authorization. rustfs 1.0.1 does not support patterns such
              // as "x-amz-*".
              AllowedHeaders: ["*"],
              ExposeHeaders: [...EXPOSED_HEADERS],
              MaxAgeSeconds: 600,
            },
          ],
        },
      }),
    ),
  );
}

/** Lets everybody read the objects of a bucket, without a signature. Nobody else may list or write them. */
export async function allowPublicReads(access: S3Access, bucket: string): Promise<void> {
  const Policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "PublicRead",
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: `arn:aws:s3:::${bucket}/*`,
      },
    ],
  });
  await withClient(access, (client) => client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy })));
}

/** Deletes all objects of a bucket and aborts all uploads. */
export async function emptyBucket(access: S3Access, bucket: string): Promise<void> {
  await withClient(access, async (client) => {
    // Aborting a page before listing the next needs no markers.
    for (;;) {
      const { Uploads = [] } = await client
        .send(new ListMultipartUploadsCommand({ Bucket: bucket }))
        // rclone responds so if the bucket has had no upload.
        .catch((error) => (error.name === "NoSuchUpload" ? { Uploads: [] } : Promise.reject(error)));
      if (Uploads.length === 0) break;
      for (const { Key, UploadId } of Uploads)
        await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
    }
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
      const Objects = (page.Contents ?? []).map(({ Key }) => ({ Key }));
      if (Objects.length === 0) continue;
      const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
      const first = Errors?.[0];
      if (first !== undefined) throw new Error(`cannot empty ${bucket}: ${first.Code} ${first.Message}`);
    }
  });
}

/** Deletes a bucket and its content. */
export async function removeBucket(access: S3Access, bucket: string): Promise<void> {
  await emptyBucket(access, bucket);
  await withClient(access, (client) => client.send(new DeleteBucketCommand({ Bucket: bucket })));
}
