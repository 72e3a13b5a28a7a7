#!/usr/bin/env node
// Where no Docker engine answers: two tests share one of the lab's own, with a bridge of its own, and it ends with the last of them.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import { missing } from "../lib/lab.mjs";
import { exists, registryProcesses, startOwner } from "./lib/lab_owner.mjs";

const { test, check, equal, until, top } = lib;

const why = process.env.WL_TEST_ALL === "1" ? await missing() : "the lab's own care for its engine and machines is tested with WL_TEST_ALL=1 (make torture)";
if (why) {
  await test("an engine of the lab's own", () => ({ skip: why }));
  await lib.done();
}

await test("two tests share one engine of the lab's own, and it ends with the last of them, though that is killed", async () => {
  // A cache of its own, with the files that are there, so that this engine is nobody else's.
  const usual = process.env.WL_LAB_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "windlass-lab");
  const cache = join(lib.scratch("cache"), "lab");
  mkdirSync(cache);
  for (const name of readdirSync(usual)) if (/\.tar(\.gz)?$/.test(name)) symlinkSync(join(usual, name), join(cache, name));
  const env = { DOCKER_HOST: "unix:///nonexistent/docker.sock", WL_LAB_CACHE: cache };
  try {
    const [one, two] = await Promise.all([startOwner(env, "pull"), startOwner(env)]);
    equal(one.engine, `unix://${cache}/engine/docker.sock`);
    equal(two.engine, one.engine);
    check(exists(one.name, one.engine) && exists(two.name, one.engine) && !exists(one.name), "both run in it, not in the machine's");
    const bridge = readFileSync(join(cache, "engine/bridge"), "utf8").trim();
    check(existsSync(`/sys/class/net/${bridge}`), bridge);
    await one.ended("SIGTERM");
    check(!exists(one.name, one.engine) && exists(two.name, one.engine), "it goes on for the other");
    await two.ended("SIGKILL");
    await until("the engine's end", () => !existsSync(join(cache, "engine/keeper")), 60000);
    check(!existsSync(`/sys/class/net/${bridge}`) && !existsSync(join(cache, "engine/docker.sock")), "its bridge and socket");
    const left = lib.processes().filter((p) => p.state !== "Z" && p.command.some((word) => word.startsWith(`${cache}/`) || word === one.engine));
    equal(left.map((p) => p.command.join(" ")).join("; "), "");
    check(!readFileSync("/proc/mounts", "utf8").includes(cache), "no mount");
    // The registry of the killed one is the next start's.
    equal(spawnSync(join(top, "tests/lab/lab.sh"), ["sweep"]).status, 0);
    equal(registryProcesses(two.folder), 0);
  } finally {
    rmSync(join(cache, ".."), { recursive: true, force: true });
  }
});

await lib.done();
