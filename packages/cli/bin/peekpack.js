#!/usr/bin/env node
// npm links commands when it installs, and only those that exist: in a fresh clone dist does not yet.
import "../dist/main.js";
