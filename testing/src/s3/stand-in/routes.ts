import { completeUpload } from "./completion.js";
import type { Context } from "./context.js";
import { deleteBucketCors, getBucketCors, putBucketCors } from "./cors.js";
import { listBuckets, listObjectsV2, listUploads } from "./listing.js";
import { abortUpload, createUpload, listParts, uploadPart, uploadPartCopy } from "./multipart.js";
import { copyObject, deleteObject, deleteObjects, getObject, putObject } from "./objects.js";
import { deleteBucketPolicy, putBucketPolicy } from "./policy.js";
import type { Reply } from "./request.js";
import { notImplemented, S3Error } from "./s3-error.js";
import { renderXml } from "./xml.js";

type Handler = (context: Context) => Reply | Promise<Reply>;

const bucketRoutes: Readonly<Record<string, Handler>> = {
  "PUT ": ({ storage, request }) => {
    storage.createBucket(request.bucket);
    return { status: 200, headers: { location: `/${request.bucket}` } };
  },
  "HEAD ": (context) => ({ status: context.bucket.name === "" ? 404 : 200 }),
  "DELETE ": ({ storage, request }) => {
    storage.deleteBucket(request.bucket);
    return { status: 204 };
  },
  "GET list-type": listObjectsV2,
  "GET uploads": listUploads,
  "GET location": ({ bucket }) => ({
    status: 200,
    xml: bucket.name === "" ? "" : renderXml("LocationConstraint", {}),
  }),
  "GET versioning": ({ bucket }) => ({
    status: 200,
    xml: bucket.name === "" ? "" : renderXml("VersioningConfiguration", {}),
  }),
  "PUT cors": putBucketCors,
  "GET cors": getBucketCors,
  "DELETE cors": deleteBucketCors,
  "PUT policy": putBucketPolicy,
  "DELETE policy": deleteBucketPolicy,
  "POST delete": deleteObjects,
};

const objectRoutes: Readonly<Record<string, Handler>> = {
  "GET ": getObject,
  "HEAD ": getObject,
  "PUT ": (context) =>
    context.request.headers["x-amz-copy-source"] === undefined ? putObject(context) : copyObject(context),
  "DELETE ": deleteObject,
  "POST uploads": createUpload,
  "GET uploadId": listParts,
  "POST uploadId": completeUpload,
  "PUT uploadId": (context) =>
    context.request.headers["x-amz-copy-source"] === undefined
      ? uploadPart(context)
      : uploadPartCopy(context),
  "DELETE uploadId": abortUpload,
};

/** Query fields that select an operation. Operations without a route are not implemented. */
const SUBRESOURCES: ReadonlySet<string> = new Set([
  ...["list-type", "uploads", "uploadId", "location", "versioning", "cors", "delete", "versions", "acl"],
  ...["tagging", "policy", "lifecycle", "encryption", "attributes", "retention", "legal-hold", "object-lock"],
  ...["restore", "select", "torrent", "website", "logging", "notification", "replication", "requestPayment"],
]);

/** Runs the operation of a request. @throws S3Error NotImplemented for an operation without a route */
export async function dispatch(context: Context): Promise<Reply> {
  const { method, bucket, key, query } = context.request;
  if (bucket === "") {
    if (method === "GET") return listBuckets(context);
    throw new S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.");
  }
  const subresource = [...query.keys()].find((name) => SUBRESOURCES.has(name)) ?? "";
  const handler = (key === "" ? bucketRoutes : objectRoutes)[`${method} ${subresource}`];
  if (handler === undefined)
    throw notImplemented(`${method} ${key === "" ? "bucket" : "object"} ?${subresource}`);
  return handler(context);
}
