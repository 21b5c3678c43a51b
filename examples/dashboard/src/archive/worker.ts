import { expose } from "comlink";
import { StationArchive } from "./station-archive.js";

expose(StationArchive);
