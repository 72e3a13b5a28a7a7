#!/usr/bin/env node
// SIGTERM in the middle of a job: everything of ours ends in time, and the next start picks the job up where it was.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { check, descendants, done, equal, freePort, startProduct, startTarget, test, until } from "../lib/product.mjs";
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
  again = await startProduct({ again: product });
  const model = await waitForJob(client, job);
  equal(model.job.status.state, "live", model.job.summary);
  equal((await health(environment.port)).version, "1.0.0");
  const file = execFileSync("find", [target.home, "-name", "migrated"], { encoding: "utf8" }).trim();
  equal(readFileSync(file, "utf8"), "begin\n", "the migrate command ran once");
});
await test("and stops again", async () => {
  const began = Date.now();
  await again.stop();
  check(Date.now() - began < 15500, `took ${Date.now() - began} ms`);
  equal(again.exitCode(), 0);
  equal(again.leftovers.length, 0, again.leftovers.map((p) => p.command.join(" ")).join("; "));
});
await done();
