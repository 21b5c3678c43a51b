/** Checks that the tables and the data of an archive agree. */
export { type Verified, verifyArchive } from "./verifier.js";
