#!/usr/bin/env node
// Deploys over real SSH with the whole product: live, reverted, cancelled, cut off in the middle. What is claimed is compared with
// what the target itself shows: the app's own health page, a file to which the migrate step appends, the processes there.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";

const { test, check, equal, until, sleep } = lib;

const { product, target, client, environment } = await flow.stage(lib);
const trace = join(target.home, "trace");
const traced = () => (existsSync(trace) ? readFileSync(trace, "utf8").trim().split("\n").filter(Boolean) : []);

async function change(settings) {
  const values = {};
  for (const [key, value] of Object.entries(settings)) values[`settings.${key}`] = value;
  const saved = await client.submit(`${environment.href}/settings`, values);
  equal(saved.status, 200, "settings saved");
}

const verbs = () => product.sql("SELECT verb FROM audit_event ORDER BY seq").map((row) => row.verb);

await test("1.0.0 goes live, and the app itself says so", async () => {
  const started = Date.now();
  const model = await flow.deploy(client, environment, "1.0.0");
  console.log(`# click to verdict ${Date.now() - started} ms`);
  equal(model.job.status.state, "live", model.job.summary);
  const answer = await flow.health(environment.port);
  equal(answer.status, "healthy");
  equal(answer.version, "1.0.0");
  for (const step of model.hosts[0].steps)
    check(step.is_undo || ["ok", "skipped"].includes(step.status.state), `step ${step.name} is ${step.status.state}: ${step.cause}`);
  const env = await client.json(environment.href);
  equal(env.environment.live.version, "1.0.0", "environment page");
});

await test("the same click twice is one job", async () => {
  const page = await client.get(`${environment.href}/deploy?version=1.0.0`);
  const fields = client.fields(page, `${environment.href}/deploy`);
  const [first, second] = await Promise.all([0, 1].map(() => client.raw("POST", `${environment.href}/deploy`, { body: new URLSearchParams(fields) })));
  equal(first.url, second.url, "both answers point to the one job");
  equal(product.sql(`SELECT count(*) AS n FROM job WHERE idem = '${fields.get("idem")}'`)[0].n, 1);
  const model = await flow.waitForJob(client, first.url.split("/")[2]);
  equal(model.job.status.state, "live", model.job.summary);
});

await test("the broken 1.2.0 is reverted, proven: 1.0.0 serves", async () => {
  const model = await flow.deploy(client, environment, "1.2.0", 180000);
  equal(model.job.status.state, "reverted", model.job.summary);
  equal((await flow.health(environment.port)).version, "1.0.0");
  const env = await client.json(environment.href);
  equal(env.environment.live.version, "1.0.0");
  equal(env.environment.status.state, "live");
  check(flow.step(model, "health").status.state === "failed", "the health step is the one that failed");
});

await test("two environments on one server do not meet", async () => {
  const other = await flow.createEnvironment(client, { slug: "second" });
  const [a, b] = await Promise.all([flow.startDeploy(client, environment, "1.1.0"), flow.startDeploy(client, other, "1.0.0")]);
  const [one, two] = [await flow.waitForJob(client, a), await flow.waitForJob(client, b)];
  equal(one.job.status.state, "live", one.job.summary);
  equal(two.job.status.state, "live", two.job.summary);
  equal((await flow.health(environment.port)).version, "1.1.0");
  equal((await flow.health(other.port)).version, "1.0.0");
});

await test("rolling back to the first release: its version and settings come back, the environment's own stay, automatic deploys pause", async () => {
  await change({ keep: "4" });
  const before = await client.json(`${environment.href}/releases`);
  equal(before.releases.find((r) => r.number === 1).ready.can, true, JSON.stringify(before.releases));
  const model = await flow.rollback(client, environment, 1);
  equal(model.job.status.state, "live", model.job.summary);
  equal((await flow.health(environment.port)).version, "1.0.0");
  const { release, inside } = await client.json(`${environment.href}/releases/5`);
  equal(`${release.version} ${release.replays_label} ${release.is_live}`, "1.0.0 v1 true");
  equal(inside.settings.find((s) => s.key === "keep").value, "5", "the setting of then");
  const page = await client.get(environment.href);
  check(page.text.includes("rolled back to v1 (1.0.0)"), "the pause is told");
  check(page.text.includes("1 change of settings not deployed"), "and that the environment's own differ");
  // v3 never went live: it was no release to keep.
  const ids = Object.fromEntries(product.sql(`SELECT r.id, r.number FROM release r JOIN environment e ON e.id = r.environment_id WHERE e.slug = '${environment.slug}'`).map((row) => [row.id, row.number]));
  const kept = JSON.parse(product.sql("SELECT kept FROM kept_look ORDER BY seen_at DESC LIMIT 1")[0].kept);
  equal(kept.map((id) => ids[id]).join(), "5,4,2,1", "what the server said it still has");
  await flow.resume(client, environment);
});

await test("stopped is stopped, seen to be gone and shown as such; started it is the same release; restarted another process", async () => {
  const model = await flow.operate(client, environment, "stop");
  equal(model.job.status.state, "ok", model.job.summary);
  check(await fetch(`http://127.0.0.1:${environment.port}/health`).then(() => false, () => true), "nothing answers");
  equal((await client.json(environment.href)).environment.status.state, "stopped");
  const start = await flow.operate(client, environment, "start");
  equal(start.job.status.state, "ok", start.job.summary);
  equal((await flow.health(environment.port)).version, "1.0.0");
  equal((await client.json(environment.href)).environment.status.state, "live");
  const pid = product.sql(`SELECT json_extract(results, '$.pid') AS pid FROM job_step WHERE job_id = '${start.job.id}' AND name = 'start'`)[0].pid;
  const restart = await flow.operate(client, environment, "restart");
  equal(restart.job.status.state, "ok", restart.job.summary);
  const after = product.sql(`SELECT json_extract(results, '$.pid') AS pid FROM job_step WHERE job_id = '${restart.job.id}' AND name = 'restart'`)[0].pid;
  check(pid && after && pid !== after, `another process: ${pid}, ${after}`);
});

await test("kill -9 of runner and supervisor in the middle of a stop: it ends as what it is, and nothing runs", async () => {
  await change({ stop_command: "sleep 3" });
  equal((await flow.deploy(client, environment, "1.0.0")).job.status.state, "live");
  const id = await flow.operate(client, environment, "stop", 0);
  await until("the stop to be under way", () => lib.processes().some((p) => p.command.join(" ") === "sleep 3"), 30000, 20);
  product.kill(...product.pidsOf("windlass-worker"));
  const model = await flow.waitForJob(client, id);
  equal(model.job.status.state, "ok", model.job.summary);
  check(await fetch(`http://127.0.0.1:${environment.port}/health`).then(() => false, () => true), "nothing answers");
  equal((await client.json(environment.href)).environment.status.state, "stopped");
  await change({ stop_command: "" });
  equal((await flow.operate(client, environment, "start")).job.status.state, "ok");
});

await test("a command that is cut off on the server is unknown, and not run again", async () => {
  const id = await flow.command(client, environment, { command: 'echo begun >>"$HOME/cut"; sleep 304' }, 0);
  const begun = () => readFileSync(join(target.home, "cut"), "utf8").split("\n").filter(Boolean).length;
  await until("the command to run", () => lib.processes().some((p) => p.command.join(" ") === "sleep 304"), 30000, 20);
  const of = lib.processes().filter((p) => p.command.join(" ").includes(`jobs/${id}/`) || p.command.join(" ") === "sleep 304" || (p.command[0] === "sh" && p.command.join(" ").includes("sleep 304")));
  for (const { pid } of of) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      /* it ended with another */
    }
  }
  const model = await flow.waitForJob(client, id);
  equal(model.job.status.state, "unknown", model.job.summary);
  equal(begun(), 1, "it ran once");
  equal((await client.json(environment.href)).environment.status.state, "live", "what serves is as it was");
});

await test("one command in the live release: its output masked, its status told, in the history; the app's log too, followed until it is cancelled", async () => {
  const good = await flow.command(client, environment, { command: 'pwd; echo "$PORT"; ls' });
  equal(good.job.status.state, "ok", good.job.summary);
  check(flow.logText(product, good.job.id).includes(`${environment.port}`), "the app's variables are there");
  const bad = await flow.command(client, environment, { command: "echo to be seen; exit 3" });
  equal(bad.job.status.state, "failed", bad.job.summary);
  check(bad.job.summary.includes("ended with status 3"), bad.job.summary);
  check(flow.logText(product, bad.job.id).includes("to be seen"), "its output is kept");
  const long = await flow.command(client, environment, { command: "sleep 301", limit_s: "2" });
  equal(long.job.status.state, "failed", long.job.summary);
  check(long.job.summary.includes("took longer than"), long.job.summary);
  equal(lib.processes().filter((p) => p.command.join(" ") === "sleep 301").length, 0, "nothing of it is left running");
  const log = await flow.logs(client, environment, { lines: "100" });
  equal(log.job.status.state, "ok", log.job.summary);
  const followed = await flow.logs(client, environment, { lines: "100", follow: "1" }, 0);
  await until("the log to be followed", async () => flow.step(await flow.jobOf(client, followed), "logs")?.status.state === "running", 30000, 200).catch(() => null);
  await client.submit(`/jobs/${followed}`, {}, { action: `/jobs/${followed}/cancel` });
  equal((await flow.waitForJob(client, followed)).job.status.state, "cancelled");
  equal((await client.json(environment.href)).environment.status.state, "live", "what serves is as it was");
});

await change({ migrate_command: 'echo "migrate $WL_VERSION" >> "$HOME/trace"; sleep 3' });

async function cutOff(version, cut) {
  writeFileSync(trace, "");
  const id = await flow.startDeploy(client, environment, version);
  await until("the migrate step to begin", () => traced().length > 0, 60000, 20);
  await cut(id);
  const model = await flow.waitForJob(client, id);
  equal(model.job.status.state, "live", model.job.summary);
  equal(traced().length, 1, `the migrate step ran once: ${traced()}`);
  equal((await flow.health(environment.port)).version, version);
  const intents = product.sql(`SELECT name, state FROM job_step WHERE job_id = '${id}' AND phase = 'forward'`);
  for (const row of intents) check(["ok", "skipped"].includes(row.state), `${row.name} is ${row.state}`);
  return model;
}

await test("kill -9 of the runner in the middle of a step: nothing is lost, nothing runs twice", async () => {
  await cutOff("1.0.0", () => {
    const [pid] = product.pidsOf("windlass-worker", "runner");
    check(pid, "there is a runner");
    product.kill(pid);
  });
});

await test("kill -9 of the supervisor in the middle of a step", async () => {
  await cutOff("1.1.0", () => {
    const workers = lib.descendants(product.pid).filter((p) => p.command[0]?.endsWith("windlass-worker") && !p.command.includes("-x"));
    equal(workers.length, 1, "one supervisor");
    product.kill(workers[0].pid);
  });
});

await test("kill -9 of the target's sshd session in the middle of a step", async () => {
  await cutOff("1.0.0", () => check(target.killSessions() > 0, "there was a session"));
});

await test("all three at once", async () => {
  await cutOff("1.1.0", () => {
    target.killSessions();
    product.kill(...product.pidsOf("windlass-worker"));
  });
});

await test("the log has every line once, whatever was cut", async () => {
  await change({ migrate_command: 'i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo "line $i"; sleep 0.01; done; echo "migrate" >> "$HOME/trace"' });
  const id = await flow.startDeploy(client, environment, "1.0.0");
  for (let cuts = 0; cuts < 3; cuts++) {
    await until(`line ${(cuts + 1) * 80}`, () => existsSync(`${product.var}/serve/logs/${id}.log`) && flow.logText(product, id).includes(`line ${(cuts + 1) * 80}\n`), 60000, 20);
    if (cuts === 1) target.killSessions();
    else product.kill(...product.pidsOf("windlass-worker", "runner"));
  }
  const model = await flow.waitForJob(client, id);
  equal(model.job.status.state, "live", model.job.summary);
  const numbers = [...flow.logText(product, id).matchAll(/ o \d+ line (\d+)$/gm)].map((m) => Number(m[1]));
  equal(JSON.stringify(numbers), JSON.stringify(Array.from({ length: 400 }, (_, i) => i + 1)), "lines of the log");
});

await test("cancel ends what runs on the target, and says so", async () => {
  // A number of seconds that no other test has: processes of the lab's machines are in this machine's list as well.
  await change({ migrate_command: 'echo begin >> "$HOME/trace"; sleep 317; echo end >> "$HOME/trace"' });
  writeFileSync(trace, "");
  const id = await flow.startDeploy(client, environment, "1.1.0");
  await until("the migrate step", () => traced().length > 0, 60000, 50);
  await client.submit(`/jobs/${id}`, {}, { action: `/jobs/${id}/cancel` });
  await sleep(300);
  await client.submit(`/jobs/${id}`, {}, { action: `/jobs/${id}/cancel` }).catch(() => null);
  const model = await flow.waitForJob(client, id, 60000);
  equal(model.job.status.state, "cancelled", model.job.summary);
  equal(traced().join(), "begin");
  equal(lib.processes().filter((p) => p.command.join(" ") === "sleep 317").length, 0, "nothing is left running");
  equal((await flow.health(environment.port)).version, "1.0.0", "what was live serves");
  await change({ migrate_command: "" });
});

await test("a failing migrate step fails the job before anything was switched", async () => {
  await change({ migrate_command: "echo no such table; exit 3" });
  const model = await flow.deploy(client, environment, "1.1.0");
  equal(model.job.status.state, "failed", model.job.summary);
  equal(flow.step(model, "migrate").status.state, "failed");
  equal((await flow.health(environment.port)).version, "1.0.0");
  await change({ migrate_command: "" });
});

await test("every change is in the audit history, and the chain holds", async () => {
  const seen = verbs();
  for (const verb of ["server.add", "server.pin", "app.create", "environment.create", "deploy.request", "deploy.live", "deploy.reverted", "deploy.cancelled", "deploy.failed", "rollback.request", "rollback.live", "environment.pause", "environment.resume", "command.ok", "command.failed", "logs.cancelled", "stop.request", "stop.ok", "start.ok", "restart.ok"])
    check(seen.includes(verb), `${verb} is missing among ${[...new Set(seen)]}`);
  product.windlass("audit", "verify");
});

await test("when the target is gone the job ends unknown, never green", async () => {
  await change({ migrate_command: 'echo begin >> "$HOME/trace"; sleep 5' });
  writeFileSync(trace, "");
  const id = await flow.startDeploy(client, environment, "1.1.0");
  await until("the migrate step", () => traced().length > 0, 60000, 50);
  target.vanish();
  const model = await flow.waitForJob(client, id, 240000);
  equal(model.job.status.state, "unknown", model.job.summary);
});

await test("nothing of ours is left when it stops", async () => {
  await product.stop();
  equal(product.leftovers.map((p) => p.command.join(" ")).join("; "), "");
});

await lib.done();
