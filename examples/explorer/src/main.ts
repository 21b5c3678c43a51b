import { App } from "./app.js";

new App(document.querySelector("#app")!).start();
