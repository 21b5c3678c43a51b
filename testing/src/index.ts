export {
  EXPOSED_HEADERS,
  emptyBucket,
  freshBucket,
  type S3Access,
  s3Client,
  setCors,
} from "./s3/client.js";
export {
  type S3Server,
  S3ServerAbsent,
  type S3ServerKind,
  type StartS3Options,
  startS3,
} from "./s3/launcher.js";
export { type StandIn, type StandInOptions, startStandIn } from "./s3/stand-in/server.js";
