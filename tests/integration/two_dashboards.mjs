#!/usr/bin/env node
// Two dashboards that deploy to one place on one server: they know nothing of each other, their ids are their own, and still one waits outside until the
// other is done. The same for two environments of one dashboard with one folder.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";

const { test, check, equal, until } = lib;

const [one, two, target] = await Promise.all([lib.startProduct(), lib.startProduct(), lib.startTarget()]);
const port = await lib.freePort();
// The migrate command stands for what takes long: it waits for the test, and says in a file that it ran.
const settings = flow.helloSettings("shared", port, { migrate_command: 'echo migrated >>"$HOME/migrated"; while [ -e "$HOME/wait" ]; do sleep 0.05; done', health_count: "1", health_soak_s: "0" });
const migrations = () => (existsSync(join(target.home, "migrated")) ? readFileSync(join(target.home, "migrated"), "utf8").split("\n").length - 1 : 0);

async function setUp(product, ...slugs) {
  const client = await flow.setUp(product);
  await flow.addServer(client, target);
  await flow.createApp(client);
  const environments = [];
  for (const slug of slugs) environments.push(await flow.createEnvironment(client, { slug, settings }));
  return { client, environments };
}
const [ours, theirs] = [await setUp(one, "staging", "twin"), await setUp(two, "production")];
const [staging, twin] = ours.environments;
const [production] = theirs.environments;
const served = async () => (await flow.health(port)).version;

// While a deploy is in its middle, another begins; the first goes on after it.
async function whileDeploying(client, environment, version, body) {
  const before = migrations();
  mkdirSync(join(target.home, "wait"));
  const job = await flow.startDeploy(client, environment, version);
  try {
    await until("the migration to begin", async () => {
      const model = await flow.jobOf(client, job);
      check(!model.job.is_ended, model.job.summary);
      return migrations() > before;
    });
    await body(job);
  } finally {
    rmdirSync(join(target.home, "wait"));
  }
  return await flow.waitForJob(client, job);
}

function equalLocked(model, holder) {
  equal(model.job.status.state, "failed", model.job.summary);
  const lock = flow.step(model, "lock");
  equal(lock.status.state, "failed", "the step that takes the lock");
  check(/The place on the server is locked by Ann Weaver since \S+ \(job \S+ of dashboard \S+\)\. Fix: wait for that job/.test(lock.cause), lock.cause);
  check(lock.cause.includes(holder), `${lock.cause} names ${holder}`);
  equal(model.hosts[0].steps.filter((s) => s.status.state === "ok").map((s) => s.name).join(), "connect", "nothing else was done");
}

await test("the second of two dashboards is kept out while the first deploys, is told who and what to do, and changes nothing", async () => {
  const model = await whileDeploying(ours.client, staging, "1.0.0", async (id) => {
    equalLocked(await flow.deploy(theirs.client, production, "1.1.0"), id);
    equal(migrations(), 1, "migrations that ran");
  });
  equal(model.job.status.state, "live", model.job.summary);
  equal(await served(), "1.0.0");
});

await test("afterwards the second one gets the place, and then the first is kept out", async () => {
  const model = await whileDeploying(theirs.client, production, "1.1.0", async (id) => {
    equalLocked(await flow.deploy(ours.client, staging, "1.0.0"), id);
  });
  equal(model.job.status.state, "live", model.job.summary);
  equal(await served(), "1.1.0");
});

await test("two environments of one dashboard with one folder are kept apart as well", async () => {
  const model = await whileDeploying(ours.client, twin, "1.0.0", async (id) => {
    equalLocked(await flow.deploy(ours.client, staging, "1.1.0"), id);
  });
  equal(model.job.status.state, "live", model.job.summary);
});

await test("both at once, five times: one after the other or one refused, never both, and what is told is what serves", async () => {
  for (let round = 0; round < 5; round++) {
    const models = await Promise.all([flow.deploy(ours.client, staging, "1.0.0"), flow.deploy(theirs.client, production, "1.1.0")]);
    const live = models.filter((model) => model.job.status.state === "live");
    check(live.length >= 1, models.map((model) => model.job.summary).join(" / "));
    for (const model of models) if (!live.includes(model)) equal(flow.step(model, "lock").status.state, "failed", model.job.summary);
    // Who got in later has the place: each product knows when its own job ended.
    const ends = [[one, "1.0.0"], [two, "1.1.0"]].map(([product, version], i) => ({ version, model: models[i], at: product.sql(`SELECT ended_at FROM job WHERE id = '${models[i].job.id}'`)[0].ended_at }));
    const last = ends.filter(({ model }) => live.includes(model)).sort((a, b) => b.at - a.at)[0];
    equal(await served(), last.version, "what serves");
    equal(readdirSync(join(target.home, ".windlass/locks")).join(), "", "locks that are left");
  }
});

await lib.done();
