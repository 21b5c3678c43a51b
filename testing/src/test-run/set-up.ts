import { locateBrowser } from "../browser/locate.js";
import { liveRequired } from "../live.js";
import { livePython } from "../python/environment.js";
import { locateS3, locateVersitygw } from "../s3/locate.js";

const say = (what: string, words: string): void => console.log(`  ${what.padEnd(11)}${words}`);

/** Finds or fetches what the tests can use, and says what they will use. @returns what to add to their environment */
export async function setUp(): Promise<Readonly<Record<string, string>>> {
  console.log("Set-up: what the tests use");
  say("Node", process.version);
  const external = process.env.S3_ENDPOINT;
  if (external) say("S3", "the server at S3_ENDPOINT, because that is set, where any server will do");
  const rustfs = await locateS3("rustfs");
  say("rustfs", rustfs.here ? `here, because ${rustfs.how}` : `absent: ${rustfs.how}`);
  const versitygw = await locateVersitygw({
    // It takes over a minute, which only tests that nothing else could run on are worth.
    build: liveRequired() || (!rustfs.here && !external),
    log: (line) => say("", line),
  });
  say(
    "versitygw",
    versitygw.command === undefined ? `absent: ${versitygw.how}` : `here, because ${versitygw.how}`,
  );
  say("stand-in", "an S3 server in this repository, in any case");
  const browser = await locateBrowser({ install: true, log: (line) => say("", line) });
  say(
    "browser",
    browser.absent === undefined
      ? `Chromium ${browser.version}, because ${browser.how}`
      : `absent: ${browser.absent}`,
  );
  const python = await livePython();
  say(
    "Python",
    python.absent === undefined
      ? Object.entries(python.versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", ")
      : `absent: ${python.absent}`,
  );
  return browser.absent === undefined && browser.executable !== undefined
    ? { PEEKPACK_BROWSER: browser.executable }
    : {};
}
