export {
  type LocateBrowserOptions,
  type LocatedBrowser,
  launchOptions,
  locateBrowser,
} from "./locate.js";
