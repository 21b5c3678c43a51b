export { liveRequired, skippedAsAbsent } from "../live.js";
export { type LivePython, livePython } from "./environment.js";
export { MsglcPeer, type PeerAnswer, PeerError, type Place, startPeer } from "./peer.js";
export { runPython } from "./run.js";
