import { locateFirefox } from "../browser/firefox.js";
import { locateBrowser } from "../browser/locate.js";
import { locateWebKit } from "../browser/webkit.js";
import { liveRequired } from "../live.js";
import { livePython } from "../python/environment.js";
import { locateS3, locateVersitygw } from "../s3/locate.js";

const say = (what: string, words: string): void => console.log(`  ${what.padEnd(11)}${words}`);

/** What the tests find. */
export interface SetUp {
  /** To be added to their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What is not here, each with the reason. */
  readonly absent: readonly string[];
}

/** Finds or fetches what the tests can use, and says what they will use. */
export async function setUp(): Promise<SetUp> {
  console.log("Set-up: what the tests use");
  say("Node", process.version);
  const external = process.env.S3_ENDPOINT;
  if (external) say("S3", "the server at S3_ENDPOINT, because that is set, where any server will do");
  const absent: string[] = [];
  const missing = (what: string, why: string): void => {
    absent.push(`${what} is absent: ${why}`);
    say(what, `absent: ${why}; what needs it ${liveRequired() ? "fails" : "counts as skipped"}`);
  };
  const log = (line: string): void => say("", line);

  const rustfs = await locateS3("rustfs");
  if (rustfs.here) say("rustfs", `here, because ${rustfs.how}`);
  else missing("rustfs", rustfs.how);

  // Building it takes over a minute, which only tests that nothing else could run on are worth.
  const build = liveRequired() || (!rustfs.here && !external);
  const versitygw = await locateVersitygw({ build, log });
  if (versitygw.command !== undefined) say("versitygw", `here, because ${versitygw.how}`);
  else missing("versitygw", versitygw.how);

  say("stand-in", "an S3 server in this repository, in any case");

  const browser = await locateBrowser({ install: true, log });
  if (browser.absent === undefined) say("Chromium", `${browser.version}, because ${browser.how}`);
  else missing("Chromium", browser.absent);

  const firefox = await locateFirefox();
  if (firefox.absent === undefined) say("Firefox", `${firefox.version}, because ${firefox.how}`);
  else missing("Firefox", firefox.absent);

  const webkit = await locateWebKit();
  if (webkit.absent === undefined) say("WebKitGTK", `here, because ${webkit.how}`);
  else say("WebKitGTK", `absent: ${webkit.absent}; what needs it counts as skipped`);

  const python = await livePython();
  if (python.absent === undefined) {
    const versions = Object.entries(python.versions).map(([name, version]) => `${name} ${version}`);
    say("msglc", versions.join(", "));
  } else missing("msglc", python.absent);

  const named = browser.absent === undefined && browser.executable !== undefined;
  return { env: named ? { PEEKPACK_BROWSER: browser.executable } : {}, absent };
}
