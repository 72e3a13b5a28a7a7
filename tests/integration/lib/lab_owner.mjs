#!/usr/bin/env node
// lab_owner.mjs - another test beside this one, with a lab of its own.
//
//   const other = await startOwner(env, ...words)     // .name .host .folder .engine of its server, registry and engine; .ended(signal)
//
// Run as a program it is that test: it starts a server and a registry (with the word `pull` its engine too, which pulls an image), says their
// names and waits for its end.
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as lib from "../../lib/product.mjs";
import { startLab } from "../../lib/lab.mjs";

const { check, until } = lib;

export function docker(args, engine) {
  const run = spawnSync("docker", args, { encoding: "utf8", env: engine ? { ...process.env, DOCKER_HOST: engine } : process.env });
  check(run.status === 0, run.stderr);
  return run.stdout.trim();
}
export const exists = (name, engine) => docker(["ps", "-aq", "--filter", `name=^${name}$`], engine) !== "";
// How many processes a registry has, by its folder.
export const registryProcesses = (folder) => lib.processes().filter((p) => p.state !== "Z" && p.command.includes(`${folder}/config.yml`)).length;

export async function startOwner(env = {}, ...words) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...words], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  const end = async (signal) => {
    child.kill(signal);
    await until("the other test's end", ended, 60000);
  };
  const entry = lib.endAtExit({ stop: () => end("SIGTERM") });
  let said = "";
  child.stdout.on("data", (bytes) => (said += bytes));
  const there = await until("the other test's lab", () => {
    if (ended()) throw new Error(`it ended: ${said}`);
    return said.includes("\n") && JSON.parse(said.split("\n")[0]);
  }, 200000);
  return { ...there, ended: (signal) => end(signal).then(entry.stop) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { servers: [server], registry } = await startLab({ servers: [{ kind: 12, dockerd: process.argv.includes("pull") }] });
  if (process.argv.includes("pull")) {
    const { ref } = await registry.push("backend", "1.0.0");
    await server.exec(`docker login -u ${registry.user} --password-stdin ${registry.host} && docker pull -q ${ref}`, { input: registry.password });
  }
  console.log(JSON.stringify({ name: server.name, host: registry.host, folder: registry.folder, engine: process.env.DOCKER_HOST ?? "" }));
  await lib.sleep(250000);
  await lib.done();
}
