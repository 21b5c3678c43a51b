import { locateFirefox } from "../browser/firefox.js";
import { locateBrowser } from "../browser/locate.js";
import { locateWebKit } from "../browser/webkit.js";
import { liveRequired } from "../live.js";
import { livePython } from "../python/environment.js";
import { locateRedis } from "../redis/launcher.js";
import { locateS3, locateVersitygw } from "../s3/locate.js";

const say = (what: string, words: string): void => console.log(`  ${what.padEnd(11)}${words}`);

/** Result of the set-up. */
export interface SetUp {
  /** Environment variables for the test runners. */
  readonly env: Readonly<Record<string, string>>;
  /** Everything that is absent, each with its reason. */
  readonly absent: readonly string[];
}

/** Finds or downloads everything that tests can use, and prints it. */
export async function setUp(): Promise<SetUp> {
  console.log("Set-up:");
  say("Node", process.version);
  const external = process.env.S3_ENDPOINT;
  if (external) say("S3", "the server at S3_ENDPOINT, for tests that accept any server");
  const absent: string[] = [];
  const missing = (what: string, why: string): void => {
    absent.push(`${what} is absent: ${why}`);
    say(what, `absent: ${why}; tests that need it ${liveRequired() ? "fail" : "are skipped"}`);
  };
  const log = (line: string): void => say("", line);

  const rustfs = await locateS3("rustfs");
  if (rustfs.here) say("rustfs", `found: ${rustfs.how}`);
  else missing("rustfs", rustfs.how);

  // Building takes over a minute: worth it only if it is required or no other real server is available.
  const build = liveRequired() || (!rustfs.here && !external);
  const versitygw = await locateVersitygw({ build, log });
  if (versitygw.command !== undefined) say("versitygw", `found: ${versitygw.how}`);
  else missing("versitygw", versitygw.how);

  // Optional even where live things are required: they deviate from S3, and building rclone takes minutes.
  for (const kind of ["rclone", "moto"] as const) {
    const found = await locateS3(kind);
    say(kind, found.here ? `found: ${found.how}` : `absent: ${found.how}; tests that need it are skipped`);
  }

  say("stand-in", "the S3 server of this repository, always available");

  const redis = await locateRedis();
  if (redis.absent === undefined) say("Redis", redis.how);
  else missing("Redis", redis.absent);

  const browser = await locateBrowser({ install: true, log });
  if (browser.absent === undefined) say("Chromium", `${browser.version}: ${browser.how}`);
  else missing("Chromium", browser.absent);

  const firefox = await locateFirefox();
  if (firefox.absent === undefined) say("Firefox", `${firefox.version}: ${firefox.how}`);
  else missing("Firefox", firefox.absent);

  const webkit = await locateWebKit();
  if (webkit.absent === undefined) say("WebKitGTK", `found: ${webkit.how}`);
  else say("WebKitGTK", `absent: ${webkit.absent}; tests that need it are skipped`);

  const python = await livePython();
  if (python.absent === undefined) {
    const versions = Object.entries(python.versions).map(([name, version]) => `${name} ${version}`);
    say("msglc", versions.join(", "));
  } else missing("msglc", python.absent);

  const named = browser.absent === undefined && browser.executable !== undefined;
  return { env: named ? { PEEKPACK_BROWSER: browser.executable } : {}, absent };
}
