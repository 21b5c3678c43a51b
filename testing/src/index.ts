export { type ChildProgram, childProgram } from "./child-program.js";
export { type DocumentedOutcome, documentedOutcomes } from "./faults/documented-outcomes.js";
export {
  type BodyHeaders,
  type Fault,
  faults,
  type ResponseHeaders,
  UNRESOLVABLE_ENDPOINT,
} from "./faults/fault.js";
export type { NetworkShape } from "./faults/network.js";
export { type FaultProxy, type FaultProxyOptions, startFaultProxy, type Totals } from "./faults/proxy.js";
export {
  armReadingFault,
  type ReadingFault,
  readingFaults,
  stallMsOf,
  type UnreachableEndpoint,
} from "./faults/reading-faults.js";
export type { RequestRecord, SeenRequest } from "./faults/request.js";
export {
  type ActiveRule,
  type FaultRule,
  type RequestPattern,
  randomNumbers,
  sometimes,
} from "./faults/rules.js";
export { liveRequired, skippedAsAbsent } from "./live.js";
export { findOnPath } from "./programs/program.js";
export { type LivePython, livePython } from "./python/environment.js";
export {
  type ArchiveLocation,
  MsglcPeer,
  type PeerBackend,
  type PeerCodec,
  type PeerCombine,
  PeerError,
  type PeerRead,
  type PeerResult,
  type PeerSettings,
  type PeerWrite,
  startPeer,
} from "./python/peer.js";
export { type RunPythonOptions, runPython } from "./python/run.js";
export { locateRedis, RedisAbsent, type RedisServer, startRedis } from "./redis/launcher.js";
export { roundTrips } from "./round-trips.js";
export {
  allowPublicReads,
  EXPOSED_HEADERS,
  emptyBucket,
  freshBucket,
  removeBucket,
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
export {
  type PreparedRequest,
  presign,
  type RequestParts,
  sendRequest,
  signRequest,
  type WholeResponse,
} from "./s3/signing.js";
export type { StandInBehavior } from "./s3/stand-in/behavior.js";
export { type StandIn, type StandInOptions, startStandIn } from "./s3/stand-in/server.js";
