export { liveRequired, skippedAsAbsent } from "../live.js";
export { type LivePython, livePython } from "./environment.js";
export { type ArchiveLocation, MsglcPeer, PeerError, type PeerResult, startPeer } from "./peer.js";
export { runPython } from "./run.js";
