import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Dashboard } from "./view/dashboard.js";

createRoot(document.getElementById("app")!).render(
  <StrictMode>
    <Dashboard />
  </StrictMode>,
);
