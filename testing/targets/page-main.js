import { exercisePage } from "./page.js";

exercisePage();
