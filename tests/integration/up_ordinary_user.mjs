#!/usr/bin/env node
// The whole product as an ordinary user: set-up, a server, a deploy, an orderly end.
import { spawnSync } from "node:child_process";
import { mkdtempSync, chownSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { check, done, equal, startProduct, startTarget, test } from "../lib/product.mjs";
import { addServer, createApp, createEnvironment, deploy, health, setUp } from "../lib/flow.mjs";

// As root: become nobody, with a home of our own, and run this file again.
if (process.getuid() === 0) {
  const home = mkdtempSync("/tmp/wl-user-");
  chownSync(home, 65534, 65534);
  const run = spawnSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, fileURLToPath(import.meta.url)], {
    stdio: "inherit",
    env: { ...process.env, HOME: home, TMPDIR: home, USER: "nobody", LOGNAME: "nobody" },
  });
  rmSync(home, { recursive: true, force: true });
  process.exit(run.status ?? 1);
}

let product, target, client, environment;
await test("it starts, and says that one user holds all programs", async () => {
  product = await startProduct();
  check(/all programs share one user/.test(product.output()), product.output());
});
await test("set-up, a server, an app", async () => {
  target = await startTarget();
  client = await setUp(product);
  await addServer(client, target);
  await createApp(client);
  environment = await createEnvironment(client);
});
await test("a deploy goes live", async () => {
  const model = await deploy(client, environment, "1.0.0");
  equal(model.job.status.state, "live", JSON.stringify(model.job.summary));
  equal((await health(environment.port)).version, "1.0.0");
});
await test("it ends without a process left", async () => {
  await product.stop();
  equal(product.leftovers.length, 0);
});
await done();
