import { App } from "./app.js";
import { applyStoredTheme } from "./ui/theme.js";

applyStoredTheme();
new App(document.querySelector("#app")!).start();
