// kills_traps.mjs - where the tests of kills can stop what happens on a target: a copy of the program's folder whose scripts tell where they are
// (kills_lib.sh), programs that stand first in its PATH (kills_shim.sh), and a folder of programs whose worker starts again at once (kills_nurse.sh).
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bin, check, top } from "../../lib/product.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const text = (name) => readFileSync(join(here, name), "utf8");
export const SHIMS = ["cat", "mv", "sha256sum"]; // names of kills_shim.sh

// Where a line may stand between two others: what is before it is a whole program, and not inside a here-document or a string.
function isBetween(lines, n) {
  const parses = (end) => spawnSync("sh", ["-n"], { input: `${lines.slice(0, n).join("\n")}\n${end}` }).status === 0;
  return !lines[n - 1].endsWith("\\") && parses("") && !parses(")\n");
}

// The script with a line "kills_at midway" as near to its middle as its grammar allows.
export function withMidway(name, script) {
  const lines = script.split("\n");
  const first = lines.findIndex((line) => line !== "" && !line.startsWith("#"));
  const places = lines.map((_, n) => n).filter((n) => n > first);
  const middle = (first + lines.length) / 2;
  places.sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
  const place = places.find((n) => isBetween(lines, n));
  check(place, `${name} has a place between two of its lines`);
  return [...lines.slice(0, place), "kills_at midway", ...lines.slice(place)].join("\n");
}

// A home of the program (WL_HOME) below `folder` in which the steps of these recipes stop where they are told to.
export function makeHome(folder, ...recipes) {
  const home = join(folder, "home");
  for (const name of ["templates", "static", "recipes"]) cpSync(join(top, name), join(home, name), { recursive: true });
  const lib = join(home, "recipes/lib.sh");
  writeFileSync(lib, text("kills_stop.sh") + text("kills_lib.sh") + readFileSync(lib, "utf8"));
  for (const recipe of recipes) {
    const spec = JSON.parse(readFileSync(join(home, "recipes", recipe, "recipe.json"), "utf8"));
    for (const name of new Set([...spec.steps, ...spec.undo].map((step) => step.script).filter(Boolean))) {
      const file = join(home, "recipes", recipe, name);
      const from = existsSync(file) ? file : join(home, "recipes", spec.like, name); // of the recipe that it is like
      writeFileSync(file, withMidway(`${recipe}/${name}`, readFileSync(from, "utf8")));
    }
  }
  return home;
}

// The programs, with a worker that is started again at once.
export function makePrograms(folder) {
  const programs = join(folder, "bin");
  mkdirSync(programs);
  copyFileSync(join(bin, "windlass"), join(programs, "windlass")); // no link: it looks for the others beside itself
  for (const name of ["windlass-web", "windlass-stream"]) symlinkSync(join(bin, name), join(programs, name));
  const [first, ...rest] = text("kills_nurse.sh").split("\n");
  writeFileSync(join(programs, "windlass-worker"), [first, `real='${join(bin, "windlass-worker")}'`, ...rest].join("\n"));
  chmodSync(join(programs, "windlass-worker"), 0o755);
  return programs;
}

export const shim = () => `#!/bin/sh\n${text("kills_stop.sh")}${text("kills_shim.sh")}`;
