#!/usr/bin/env node
// push.mjs - one image into a registry, for lab.sh: HOST USER PASSWORD-FILE LAYER NAME:TAG [--OPTION VALUE]..., options as in tests/lib/images.mjs.
import { readFileSync } from "node:fs";
import { pushImage } from "../lib/images.mjs";

const [host, user, file, layer, image, ...rest] = process.argv.slice(2);
const [name, tag] = image.split(":");
const options = {};
for (let i = 0; i < rest.length; i += 2) options[rest[i].replace(/^--/, "")] = rest[i] === "--size" ? Number(rest[i + 1]) : rest[i + 1];
const pushed = await pushImage({ host, user, password: readFileSync(file, "utf8").trim(), layer }, name, tag, options);
console.error(`lab: pushed ${pushed.ref} ${pushed.digest}`);
