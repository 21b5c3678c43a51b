import { applyStoredTheme } from "@peekpack/explorer/ui/theme";
import { App } from "./app.js";

applyStoredTheme();
new App(document.querySelector("#app")!).start();
