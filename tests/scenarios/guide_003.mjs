#!/usr/bin/env node
// Guide 003, in clicks instead of by hand: two services from a private registry, tags by commit, an .env file with an API key, SQLite on a volume, a health
// check; deployed, updated, broken, reverted, on a Debian 12 server (Compose v1) and a Debian 13 server (Compose v2). What Windlass says is compared with what
// the engine there says and what the containers answer.
import { readFileSync } from "node:fs";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";

const { test, check, equal } = lib;
const { flow } = stack;

const why = await missing();
if (why) {
  await test("guide 003 on real Docker engines", () => ({ skip: why }));
  await lib.done();
}

const [product, place] = await Promise.all([lib.startProduct(), startLab({ servers: [{ kind: 12 }, { kind: 13 }] })]);
const { servers, registry } = place;
const client = await flow.setUp(product);
const first = await stack.pushStack(registry, "sha-1a2b3c4");
const second = await stack.pushStack(registry, "sha-5d6e7f8");
await stack.pushStack(registry, "sha-bad0bad", { backend: { fault: "unhealthy" } });
const KEY = `sk-ant-$HOME"it's"\\x#1`;

await test("the registry is added; its password is nowhere but in the vault", async () => {
  await stack.addRegistry(client, registry);
  for (const path of ["/registries", "/registries/lab"]) check(!(await client.get(path)).text.includes(registry.password), path);
  const shared = readFileSync(`${product.var}/db/windlass.db`);
  check(!shared.includes(registry.password), "not in the shared database");
});

await stack.createApp(client);
const environments = new Map();
for (const server of servers) {
  await flow.addServer(client, server, `debian${server.kind}`);
  const file = stack.stackFile(registry.host, { frontendPort: 3000 });
  environments.set(server, await stack.createEnvironment(client, `on${server.kind}`, { server: `debian${server.kind}`, file }));
}

// The rest happens on both servers at the same time, and is told for each.
async function onBoth(name, body) {
  const runs = servers.map((server) => body(server, environments.get(server)).then(() => null, (error) => error));
  const ends = await Promise.all(runs);
  for (const [i, server] of servers.entries())
    await test(`Debian ${server.kind}: ${name}`, () => {
      if (ends[i]) throw ends[i];
    });
}

const starts = async (server) => (await stack.inside(server, 8000, "/data")).split("\n").filter(Boolean).length;

await onBoth("the first deploy goes live: pulled with the password, healthy, digests recorded", async (server, environment) => {
  await stack.saveSecrets(client, environment, { ANTHROPIC_API_KEY: KEY });
  const model = await flow.deploy(client, environment, "sha-1a2b3c4", 180000);
  equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
  const seen = await stack.equalStack(server, environment.project, first);
  equal(seen.backend.named, first.backend.pinned, "the container names its image by digest");
  equal(JSON.parse(await stack.inside(server, 8000, "/health")).version, "sha-1a2b3c4");
  check((await stack.inside(server, 3000, "/")).includes("sha-1a2b3c4"), "the frontend answers");
  const { environment: card, look } = await client.json(environment.href);
  const images = Object.fromEntries(card.live.images.map((i) => [i.service, i.digest]));
  equal(images.backend, first.backend.pinned, "the release's digest");
  equal(images.frontend, first.frontend.pinned);
  const row = look.containers.find((c) => c.service === "backend");
  equal(row.status.text, "Healthy");
  equal(row.ports[0].text, "127.0.0.1:8000 → 8000/tcp");
  equal(row.restarts, 0);
});

await onBoth("the key arrives byte for byte, in a file that only its owner reads", async (server, environment) => {
  equal(await stack.inside(server, 8000, "/env?ANTHROPIC_API_KEY"), KEY);
  const folder = `${server.home}/apps/${environment.project}`;
  equal((await server.exec(`stat -c '%a %U' ${folder}/.env`)).trim(), `600 ${server.user}`);
  // Docker's own file would hold it as base64 of name and password.
  const coded = Buffer.from(`${registry.user}:${registry.password}`).toString("base64");
  equal((await server.exec(`grep -rlF -e '${registry.password}' -e '${coded}' ${server.home} /root 2>/dev/null || true`)).trim(), "", "no file holds the registry's password");
});

await onBoth("before an update the server says what it would find: the tags by content and size, the containers, the room; nothing is pulled or left there", async (server, environment) => {
  const look = await flow.look(client, environment, "sha-5d6e7f8");
  const [host] = look.hosts;
  equal(host.status.text, "Seen", `${host.cause}`);
  for (const name of ["backend", "frontend"]) {
    const image = look.images.find((i) => i.service === name), digest = (ref) => `${ref.pinned.split("@")[1].slice(0, 19)}…`;
    equal(image.before, digest(first[name]), `${name} runs`);
    equal(image.after, digest(second[name]), `${name} would run (${image.note})`);
    check(/ to pull$/.test(image.size_text), `${name}: ${image.size_text}`);
    const container = host.containers.find((c) => c.service === name);
    equal(`${container.status.text}: ${container.why}`, "Replaced: its image is another one");
  }
  check(look.planned !== "", "the digests are part of what would be confirmed");
  equal(host.disks.map((d) => d.is_short).join(), "false,false", JSON.stringify(host.disks));
  equal(host.notes.join(), "", "the file there is the one of the first release");
  equal((await server.exec(`docker image inspect ${second.backend.pinned} >/dev/null 2>&1 && echo there || true`)).trim(), "", "not pulled");
  equal((await server.exec(`ls -d /dev/shm/windlass-plan.* /tmp/windlass-plan.* 2>/dev/null || true`)).trim(), "", "no notes are left");
});

await test("then the tag becomes another image; the deploys below must run what was planned", async () => {
  const moved = await registry.push("chat-backend", "sha-5d6e7f8", { content: "moved after it was planned" });
  check(moved.digest !== second.backend.digest, "another digest");
});

await onBoth("an update replaces the containers and keeps the volume", async (server, environment) => {
  const before = await starts(server);
  const model = await flow.deploy(client, environment, "sha-5d6e7f8", 180000);
  equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
  await stack.equalStack(server, environment.project, second);
  equal(JSON.parse(await stack.inside(server, 8000, "/health")).version, "sha-5d6e7f8");
  equal(await starts(server), before + 1, "the lines of the first release are still in the volume");
});

await onBoth("a release that never becomes healthy is reverted: the old images serve, proven", async (server, environment) => {
  const model = await flow.deploy(client, environment, "sha-bad0bad", 240000);
  equal(model.job.status.state, "reverted", model.job.summary);
  await stack.equalStack(server, environment.project, second, "after the revert:");
  equal(JSON.parse(await stack.inside(server, 8000, "/health")).version, "sha-5d6e7f8");
  const { environment: card } = await client.json(environment.href);
  equal(card.live.version, "sha-5d6e7f8");
  equal(card.status.state, "live");
  check((await server.exec(`cat ${server.home}/apps/${environment.project}/.env`)).includes('TAG="sha-5d6e7f8"'), "the old .env is back");
});

await onBoth("a tag that moved does not move what was reverted to", async (server, environment) => {
  // The registry's tag becomes something else; going back must still mean the bytes that ran.
  await registry.push("chat-backend", "sha-5d6e7f8", { content: `another ${server.kind}` });
  const model = await flow.deploy(client, environment, "sha-bad0bad", 240000);
  equal(model.job.status.state, "reverted", model.job.summary);
  await stack.equalStack(server, environment.project, second, "after the second revert:");
});

await onBoth("whoever types docker compose in the folder gets the same containers", async (server, environment) => {
  const before = await stack.containers(server, environment.project);
  const compose = server.kind === 12 ? "docker-compose" : "docker compose";
  await server.exec(`cd ${server.home}/apps/${environment.project} && ${compose} -p ${environment.project} up -d 2>&1`);
  const after = await stack.containers(server, environment.project);
  for (const service of Object.keys(before)) equal(after[service].started, before[service].started, `${service} was left alone`);
});

await onBoth("stopped is seen gone and stays so; started it is the very same containers' images; a command and the log tell what is inside", async (server, environment) => {
  const before = await stack.containers(server, environment.project);
  const stop = await flow.operate(client, environment, "stop", 180000);
  equal(stop.job.status.state, "ok", stop.job.summary);
  for (const [service, container] of Object.entries(await stack.containers(server, environment.project))) equal(container.status, "exited", service);
  equal((await client.json(environment.href)).environment.status.state, "stopped");
  const start = await flow.operate(client, environment, "start", 180000);
  equal(start.job.status.state, "ok", `${start.job.summary} ${stack.failedStep(start)?.cause}`);
  const after = await stack.containers(server, environment.project);
  for (const service of Object.keys(before)) equal(after[service].image, before[service].image, service);
  equal(JSON.parse(await stack.inside(server, 8000, "/health")).version, "sha-5d6e7f8");
  equal((await client.json(environment.href)).environment.status.state, "live");
  const command = await flow.command(client, environment, { service: "backend", command: 'echo "in $(hostname) with $ANTHROPIC_API_KEY"' });
  equal(command.job.status.state, "ok", command.job.summary);
  const text = flow.logText(product, command.job.id);
  check(text.includes("in ") && !text.includes(KEY), "its output is there, and masked");
  const once = await flow.command(client, environment, { service: "backend", command: "exit 5", how: "once" });
  check(once.job.summary.includes("ended with status 5"), once.job.summary);
  equal(await server.exec(`docker ps -aq --filter name=${environment.project}-command`), "", "its container is gone");
  const log = await flow.logs(client, environment, { service: "backend", lines: "100" });
  equal(log.job.status.state, "ok", log.job.summary);
  if (process.env.WL_TEST_ALL !== "1") return;
  const restart = await flow.operate(client, environment, "restart", 180000);
  equal(restart.job.status.state, "ok", restart.job.summary);
  const slow = await flow.command(client, environment, { service: "backend", command: "sleep 302", limit_s: "2" });
  check(slow.job.summary.includes("took longer than"), slow.job.summary);
  check(!(await server.exec("ps -eo args 2>/dev/null || cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).includes("sleep 302"), "nothing of it runs on in the container");
});

await onBoth("a service that left the file is removed, a stopped one is started again", async (server, environment) => {
  const file = stack.stackFile(registry.host).replace(/ {2}frontend:[\s\S]*?\n\nvolumes/, "\nvolumes");
  await stack.change(client, environment, { compose: file });
  await server.exec(`docker stop ${(await stack.containers(server, environment.project)).backend.name}`);
  const model = await flow.deploy(client, environment, "sha-1a2b3c4", 180000);
  equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
  const seen = await stack.containers(server, environment.project);
  equal(Object.keys(seen).join(), "backend");
  equal(seen.backend.image, first.backend.id);
});

await onBoth("rolled back to the second release: its file, and its images by digest although the tag is another one by now", async (server, environment) => {
  // One server still has the image; the other one has to pull it, from a registry where the tag does not lead to it any more.
  if (server.kind === 12) await server.exec(`docker image rm -f ${second.backend.id}`);
  const { releases } = await client.json(`${environment.href}/releases`);
  equal(releases.find((r) => r.number === 2).ready.can, true);
  const model = await flow.rollback(client, environment, 2, { limitMs: 180000 });
  equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
  await stack.equalStack(server, environment.project, second, "after the rollback:");
  equal(JSON.parse(await stack.inside(server, 8000, "/health")).version, "sha-5d6e7f8");
  const { release } = await client.json(`${environment.href}/releases/6`);
  equal(Object.fromEntries(release.images.map((i) => [i.service, i.digest])).backend, second.backend.pinned, "the new release's digest");
  const log = flow.logText(product, model.job.id);
  equal(log.includes(`docker pull ${second.backend.pinned}`), server.kind === 12, "pulled by digest where it was gone, and only there");
  // v3 and v4 failed: they count for nothing. Everything that went live is still there, images included.
  const [{ kept }] = product.sql(`SELECT k.kept FROM kept_look k JOIN environment e ON e.id = k.environment_id WHERE e.slug = '${environment.href.split("/").pop()}'`);
  equal(JSON.parse(kept).map((id) => releases.concat(release).find((r) => r.id === id)?.number).join(), "6,5,2,1", "what the server still has");
});

await test("nothing secret is in a log, and the audit chain holds", async () => {
  for (const { id } of product.sql("SELECT id FROM job WHERE kind IN ('deploy', 'rollback')")) {
    const text = flow.logText(product, id);
    check(!text.includes(registry.password) && !text.includes(KEY), `log of job ${id}`);
  }
  product.windlass("audit", "verify");
  const verbs = product.sql("SELECT DISTINCT verb FROM audit_event").map((row) => row.verb);
  for (const verb of ["registry.save", "deploy.live", "deploy.reverted", "rollback.live", "environment.pause"]) check(verbs.includes(verb), `${verb} among ${verbs}`);
});

await lib.done();
