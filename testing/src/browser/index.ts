export { type LocatedFirefox, locateFirefox } from "./firefox.js";
export {
  type LocateBrowserOptions,
  type LocatedBrowser,
  launchOptions,
  locateBrowser,
} from "./locate.js";
export { type LocatedWebKit, locateWebKit } from "./webkit.js";
