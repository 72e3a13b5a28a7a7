#!/usr/bin/env node
// SIGTERM in the middle of a job: everything of ours ends in time, and the next start picks the job up where it was.
import { execFileSync, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { bin, check, descendants, done, equal, freePort, processes, startProduct, startTarget, test, until } from "../lib/product.mjs";
import { addServer, createApp, createEnvironment, health, helloSettings, jobOf, setUp, startDeploy, step, waitForJob } from "../lib/flow.mjs";

let product, target, client, environment, job, again;
await test("a deploy is in the middle of its migrate step", async () => {
  product = await startProduct({ keep: true });
  target = await startTarget();
  client = await setUp(product);
  await addServer(client, target);
  await createApp(client);
  const port = String(await freePort());
  environment = await createEnvironment(client, { settings: helloSettings("hello-staging", port, { migrate_command: "echo begin >> ../../migrated; sleep 6" }) });
  job = await startDeploy(client, environment, "1.0.0");
  await until("the migrate step", async () => step(await jobOf(client, job), "migrate")?.is_running, 60000);
});
await test("SIGTERM ends all of ours within 15 s", async () => {
  const family = descendants(product.pid);
  const began = Date.now();
  await product.stop();
  check(Date.now() - began < 15500, `took ${Date.now() - began} ms`);
  equal(product.leftovers.length, 0, product.leftovers.map((p) => p.command.join(" ")).join("; "));
  check(family.some((p) => p.command.includes("runner")), "a runner was among them");
});
await test("started again, the job goes on and ends live, and no step ran twice", async () => {
  const output = [];
  again = spawn(join(bin, "windlass"), ["up", "--var", product.var, "--port", String(product.port)], { stdio: ["ignore", "pipe", "pipe"] });
  again.stdout.on("data", (bytes) => output.push(bytes.toString()));
  await until("a page", async () => (await fetch(`${product.url}/healthz`)).ok, 20000);
  const model = await waitForJob(client, job);
  equal(model.job.status.state, "live", model.job.summary);
  equal((await health(environment.port)).version, "1.0.0");
  const file = execFileSync("find", [target.home, "-name", "migrated"], { encoding: "utf8" }).trim();
  equal(readFileSync(file, "utf8"), "begin\n", "the migrate command ran once");
});
await test("and stops again", async () => {
  const family = descendants(again.pid);
  again.kill("SIGTERM");
  await until("its end", () => again.exitCode !== null, 16000);
  equal(again.exitCode, 0);
  check(!family.some((p) => processes().some((q) => q.pid === p.pid && q.command.join() === p.command.join())), "nothing left");
  rmSync(dirname(product.var), { recursive: true });
});
await done();
