#!/usr/bin/env node
// The compose recipe where servers differ (values: values.mjs): two servers of one environment with one digest, a server whose
// only shell and tools are busybox's, a project that somebody started by hand, two environments on one server.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";

const { test, check, equal, until } = lib;
const { flow } = stack;

const why = await missing();
if (why) {
  await test("the compose recipe on different servers", () => ({ skip: why }));
  await lib.done();
}

const [product, place] = await Promise.all([lib.startProduct(), startLab({ servers: [{ kind: 12 }, { kind: 13 }, { kind: 12 }] })]);
const { servers: [twelve, thirteen, busy], registry } = place;
const client = await flow.setUp(product);
const good = await stack.pushStack(registry, "one");
await stack.pushStack(registry, "sick", { backend: { fault: "unhealthy" } });
await stack.addRegistry(client, registry);
await stack.createApp(client);
for (const [server, slug] of [[twelve, "twelve"], [thirteen, "thirteen"], [busy, "busy"]]) await flow.addServer(client, server, slug);

const file = (port, extra = "") => `services:
  backend:
    image: ${registry.host}/chat-backend:\${TAG}
    ports: ["127.0.0.1:${port}:8000"]
    env_file: [.env]
    healthcheck: {test: ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8000/health"], interval: 3s, timeout: 4s, retries: 2}
${extra}`;

// Environments beside each other: what is claimed of them goes on at the same time, and is told in this order.
const claims = new Map(); // claim -> a promise of its error, or null
const claim = (name, body) => claims.set(name, body().then(() => null, (error) => error));
const BY_HAND = "a project that was started by hand is taken over; when the first release fails, the containers from before are back";

// --- two servers, one digest ------------------------------------------------------------------------------------------------------------------
claim("the second server runs what the first one pulled, though the tag has moved in between", async () => {
  const both = await stack.createEnvironment(client, "both", { server: "twelve", file: file(8002), settings: { health_port: "8002" } });
  const fields = client.fields(await client.get(`${both.href}/settings`), `${both.href}/settings`);
  fields.set("server.thirteen", "1");
  await client.raw("POST", `${both.href}/settings`, { body: fields });
  const first = await registry.push("chat-backend", "moving", { content: "first" });
  const id = await flow.startDeploy(client, both, "moving");
  await until("the first server to have pulled", () => product.sql(`SELECT 1 FROM job_step WHERE job_id = '${id}' AND host = 0 AND name = 'pull' AND state = 'ok'`).length, 60000, 50);
  const second = await registry.push("chat-backend", "moving", { content: "second" });
  check(first.digest !== second.digest, "the tag is another image now");
  const model = await flow.waitForJob(client, id, 180000);
  equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model, 1)?.cause}`);
  for (const server of [twelve, thirteen]) equal((await stack.containers(server, both.project)).backend.image, first.id, `Debian ${server.kind}`);
  const page = await client.json(both.href);
  equal(page.look.containers.map((c) => c.server).join(), "twelve,thirteen");
  equal(page.environment.live.images[0].digest, first.pinned);
});

// --- busybox ---------------------------------------------------------------------------------------------------------------------------------
claim("a server with busybox's shell and tools: live, and a broken release reverted", async () => {
  const tool = readFileSync(execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim());
  await busy.exec("base64 -d >/usr/local/bin/busybox && chmod 755 /usr/local/bin/busybox", { input: tool.toString("base64") });
  // Its own docker, docker-compose (python) and sshd stay; everything else that a step calls is busybox's.
  await busy.exec("for tool in $(busybox --list); do case $tool in docker*|su|sulogin|login|init|halt|poweroff|reboot|ip|start-stop-daemon) ;; *) ln -sf busybox /usr/local/bin/$tool ;; esac; done; ln -sf /usr/local/bin/busybox /bin/sh");
  const environment = await stack.createEnvironment(client, "busy", { server: "busy", file: file(8000) });
  equal((await busy.exec("readlink -f /bin/sh", { user: busy.user })).trim(), "/usr/local/bin/busybox");
  const live = await flow.deploy(client, environment, "one", 180000);
  equal(live.job.status.state, "live", `${live.job.summary} ${stack.failedStep(live)?.cause}`);
  const sick = await flow.deploy(client, environment, "sick", 240000);
  equal(sick.job.status.state, "reverted", sick.job.summary);
  equal((await stack.containers(busy, environment.project)).backend.image, good.backend.id);
});

// --- by hand -----------------------------------------------------------------------------------------------------------------------------------
claim(BY_HAND, async () => {
  const folder = `${thirteen.home}/stack`;
  const hand = file(8003).replace("${TAG}", "by-hand").replace("    env_file: [.env]\n", "");
  const image = await registry.push("chat-backend", "by-hand", { content: "by hand" });
  await thirteen.exec(`mkdir -p ${folder} && cat >${folder}/docker-compose.prod.yml`, { user: thirteen.user, input: hand });
  await thirteen.exec(`docker login -u ${registry.user} --password-stdin ${registry.host} 2>/dev/null && cd ${folder} && docker compose -p handmade -f docker-compose.prod.yml up -d 2>&1 && docker logout ${registry.host}`, { user: thirteen.user, input: registry.password });
  const environment = await stack.createEnvironment(client, "hand", { server: "thirteen", file: file(8003), settings: { health_port: "8003", project: "handmade", deploy_dir: folder, health_deadline_s: "12" } });
  const before = await stack.containers(thirteen, "handmade");
  equal(before.backend.image, image.id);
  const model = await flow.deploy(client, environment, "sick", 240000);
  equal(model.job.status.state, "reverted", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
  equal((await stack.containers(thirteen, "handmade")).backend.image, image.id, "what was started by hand runs again");
  equal((await thirteen.exec(`ls ${folder}`)).trim(), "docker-compose.prod.yml", "and the folder is as it was");
  const live = await flow.deploy(client, environment, "one", 180000);
  equal(live.job.status.state, "live", `${live.job.summary} ${stack.failedStep(live)?.cause}`);
  equal((await stack.containers(thirteen, "handmade")).backend.image, good.backend.id);
});

claim("a project of that name in another folder is not touched", async () => {
  await claims.get(BY_HAND);
  const environment = await stack.createEnvironment(client, "clash", { server: "thirteen", file: file(8004), settings: { health_port: "8004", project: "handmade" } });
  const before = await stack.containers(thirteen, "handmade");
  stack.equalFailure(await flow.deploy(client, environment, "one", 60000), { verdict: "failed", step: "prepare", cause: /A project called handmade runs here already, from the folder .*stack\. Fix: to take it over/ });
  equal((await stack.containers(thirteen, "handmade")).backend.started, before.backend.started);
});

// --- the first release fails -----------------------------------------------------------------------------------------------------------------------
claim("with nothing before it, a first release that fails is taken down, and its volume stays", async () => {
  const environment = await stack.createEnvironment(client, "first", { server: "twelve", file: `${file(8005)}    volumes: ["data:/app/data"]\nvolumes: {data: {name: first-data}}\n`, settings: { health_port: "8005", health_deadline_s: "6" } });
  const model = await flow.deploy(client, environment, "sick", 180000);
  equal(model.job.status.state, "failed", model.job.summary);
  check(/There was no release before/.test(model.hosts[0].left_as), model.hosts[0].left_as);
  equal(Object.keys(await stack.containers(twelve, environment.project)).join(), "");
  equal((await twelve.exec("docker volume ls -q --filter name=first-data")).trim(), "first-data");
});

claim("old releases and their images go, nobody else's", async () => {
  await claims.get(BY_HAND); // it has pulled the good image
  const environment = await stack.createEnvironment(client, "prune", { server: "thirteen", file: file(8006), settings: { health_port: "8006", keep: "2", soak_s: "0", health_soak_s: "0", health_count: "1" } });
  const pushed = [];
  for (const n of [1, 2, 3, 4]) pushed.push(await registry.push("chat-backend", `p${n}`, { content: `prune ${n}` }));
  await thirteen.exec(`docker tag ${good.backend.id} somebody/else:1`);
  for (const n of [1, 2, 3, 4]) {
    const model = await flow.deploy(client, environment, `p${n}`, 120000);
    equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
  }
  const images = await thirteen.exec("docker image ls -aq --no-trunc");
  equal(pushed.map((image) => images.includes(image.id)).join(), "false,false,true,true", "the images of the last two releases are kept");
  equal((await thirteen.exec("docker image inspect --format '{{.Id}}' somebody/else:1")).trim(), good.backend.id);
  equal((await thirteen.exec(`ls ${thirteen.home}/apps/${environment.project}/.windlass/releases | wc -l`)).trim(), "2");
});

for (const [name, end] of claims)
  await test(name, async () => {
    const error = await end;
    if (error) throw error;
  });
await lib.done();
