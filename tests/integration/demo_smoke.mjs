#!/usr/bin/env node
// `make demo`: with SMOKE=1 it passes by itself; with a person it ends without a trace, also of what was deployed.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Client, bin, check, done, equal, faultsIn, freePort, processes, scratch, sleep, test, top, until } from "../lib/product.mjs";
import { deploy, health } from "../lib/flow.mjs";

const folder = scratch("demo");
const script = join(top, "tools/demo.sh");
const traces = () => processes().filter((p) => p.command.join(" ").includes(folder) && p.pid !== process.pid);

await test("SMOKE=1 does what a person would, and every step is good", async () => {
  const run = spawnSync(script, [bin], { encoding: "utf8", env: { ...process.env, SMOKE: "1", PORT: String(await freePort()), TMPDIR: folder }, timeout: 240000 });
  equal(run.status, 0, run.stdout + run.stderr);
  equal(faultsIn(run.stdout + run.stderr).join("\n"), "", "faults");
  for (const words of ["signed in", "1.0.0 is live", "healthy, 1.0.0", "1.2.0 is reverted", "the history is whole"]) check(run.stdout.includes(words), `${words} in ${run.stdout}`);
  equal(traces().length, 0, traces().map((p) => p.command.join(" ")).join("\n"));
  equal(spawnSync("ls", ["-A", folder], { encoding: "utf8" }).stdout, "", "scratch folder");
});

await test("a taken port is said, another one is used; Ctrl-C leaves nothing, also not what was deployed", async () => {
  const port = await freePort();
  const server = createServer().listen(port, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const output = [];
  const demo = spawn(script, [bin], { env: { ...process.env, SMOKE: "", PORT: String(port), TMPDIR: folder }, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [demo.stdout, demo.stderr]) stream.on("data", (bytes) => output.push(bytes.toString()));
  const text = await until("the demo", () => {
    if (demo.exitCode !== null) throw new Error(output.join(""));
    return output.join("").includes("Stop ") && output.join("");
  }, 120000);
  server.close();
  check(text.includes(`Port ${port} is taken`), text);
  const url = text.match(/Open\s+(http:\S+)/)[1];
  check(!url.endsWith(`:${port}`), url);
  const client = new Client(url);
  const signedIn = await client.submit("/login", { login: text.match(/Login\s+(\S+)/)[1], password: text.match(/Password\s+(\S+)/)[1] }, { action: "/login" });
  equal(signedIn.status, 200);
  const model = await deploy(client, { href: "/apps/hello/production" }, "1.1.0");
  equal(model.job.status.state, "live", model.job.summary);
  const appPort = Number(text.match(/:(\d+) \(production\)/)[1]);
  equal((await health(appPort)).version, "1.1.0");
  demo.kill("SIGINT");
  await until("its end", () => demo.exitCode !== null, 30000);
  equal(demo.exitCode, 130);
  equal(faultsIn(output.join("")).join("\n"), "", "faults");
  await sleep(200);
  equal(traces().length, 0, traces().map((p) => p.command.join(" ")).join("\n"));
  check(await fetch(`http://127.0.0.1:${appPort}/health`).then(() => false, () => true), "the app is gone");
  equal(spawnSync("ls", ["-A", folder], { encoding: "utf8" }).stdout, "", "scratch folder");
});

spawnSync("rm", ["-rf", folder]);
check(!existsSync(folder), "removed");
await done();
