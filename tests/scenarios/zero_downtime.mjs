#!/usr/bin/env node
// Deploys in a row while people use the site: four of them (20 with WL_TEST_ALL=1, `make torture`; WL_TEST_DEPLOYS sets the number), newer and older versions in turn, on Debian 13. `hey` asks all the time on 32 connections that are kept, and
// on 32 that are new with each request; websockets and slow downloads are open while nginx is pointed elsewhere. Nobody gets anything but the answer.
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";
import * as image from "./lib/image.mjs";

const { test, check, equal } = lib;
const { flow } = stack;
const DEPLOYS = Number(process.env.WL_TEST_DEPLOYS ?? (process.env.WL_TEST_ALL === "1" ? 20 : 4));
const DRAIN_S = 3;

const why = await missing();
if (why) {
  await test("deploys under load on a real server with nginx", () => ({ skip: why }));
  await lib.done();
}

const [product, place] = await Promise.all([lib.startProduct(), startLab({ servers: [{ kind: 13 }] })]);
const { servers: [server], registry } = place;
const client = await flow.setUp(product);
const VERSIONS = ["1.0.0", "1.1.0", "1.2.0"];
for (const tag of VERSIONS) await registry.push("shop", tag, { health: false });
await stack.addRegistry(client, registry);
await stack.createApp(client, "shop");
await flow.addServer(client, server, "web");
const settings = { soak_s: "0", drain_s: String(DRAIN_S), stop_s: "1", keep: "1", pull: "missing" };
const environment = await image.createEnvironment(client, "production", { server: "web", registry, settings });
await image.allowNginx(server);
await image.startNginx(server);
await image.writeSite(server, environment.project);

async function goesLive(version) {
  const model = await flow.deploy(client, environment, version, 120000);
  equal(model.job.status.state, "live", `${version}: ${model.job.summary} ${stack.failedStep(model)?.cause}`);
  return model;
}

// --- the load ----------------------------------------------------------------------------------------------------------------------
// hey's own summary once it was told to end: { rate, statuses: {"200": n}, errors: text }.
function load(args) {
  const child = spawn("hey", ["-z", "30m", "-c", "32", "-q", "8", "-t", "20", "-host", image.SITE, ...args, `http://${server.ip}/health`], { stdio: ["ignore", "pipe", "inherit"] });
  const parts = [];
  child.stdout.on("data", (bytes) => parts.push(bytes));
  const ended = new Promise((done) => child.on("close", done));
  lib.endAtExit({ stop: () => child.exitCode === null && child.kill("SIGKILL") });
  return async () => {
    child.kill("SIGINT");
    await ended;
    const text = Buffer.concat(parts).toString();
    const statuses = Object.fromEntries([...text.matchAll(/\[(\d+)\]\s+(\d+) responses/g)].map((m) => [m[1], Number(m[2])]));
    return { rate: Number(text.match(/Requests\/sec:\s+([\d.]+)/)?.[1]), statuses, errors: text.split("Error distribution:")[1]?.trim() ?? "", text };
  };
}

// A few requests a second, for the versions that answer.
function watchVersions() {
  const seen = [];
  let goes = true;
  const all = (async () => {
    while (goes) {
      const version = await image.versionAt(server).catch((error) => `error: ${error.message}`);
      if (seen.at(-1) !== version) seen.push(version);
      await lib.sleep(100);
    }
  })();
  return async () => {
    goes = false;
    await all;
    return seen;
  };
}

// An open websocket: { echo(text), ended: Promise of the time at which the other side ended it }.
function openWebsocket() {
  const key = randomBytes(16).toString("base64");
  return new Promise((done, fail) => {
    const asked = request({ host: server.ip, path: "/ws", headers: { host: image.SITE, connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": key } });
    asked.on("response", (answer) => fail(new Error(`websocket: ${answer.statusCode}`)));
    asked.on("error", fail);
    asked.on("upgrade", (answer, socket) => {
      const accepted = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      if (answer.headers["sec-websocket-accept"] !== accepted) return fail(new Error("websocket: it does not know the key"));
      let hears = null;
      socket.on("data", (bytes) => hears?.(bytes.subarray(2).toString()));
      const ended = new Promise((gone) => socket.on("close", () => gone(Date.now())));
      socket.on("error", () => {}); // it closes next
      const echo = (text) =>
        new Promise((heard) => {
          hears = heard;
          const mask = randomBytes(4);
          socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), mask, Buffer.from(text).map((byte, i) => byte ^ mask[i % 4])]));
        });
      done({ echo, ended });
    });
    asked.end();
  });
}

// --- deploys ---------------------------------------------------------------------------------------------------------------------------
await test("the first deploy", async () => await goesLive(VERSIONS[0]));
const [kept, fresh] = [load([]), load(["-disable-keepalive"])];
const stopWatching = watchVersions();
const began = Date.now();
const deployed = [VERSIONS[0]];

await test("a websocket lives until the drain's limit, is noticed in the log, and a download that spans the switch comes whole", async () => {
  const socket = await openWebsocket();
  equal(await socket.echo("hello"), "hello");
  // Slow enough to be under way when nginx is pointed elsewhere; not longer than the drain.
  const job = await flow.startDeploy(client, environment, VERSIONS[1]);
  deployed.push(VERSIONS[1]);
  await lib.until("the step before the switch", async () => flow.step(await flow.jobOf(client, job), "health").status.state === "ok", 60000, 50);
  const download = image.ask(server, "/slow?2");
  const model = await flow.waitForJob(client, job);
  equal(model.job.status.state, "live", model.job.summary);
  const { status, body } = await download;
  equal(`${status} ${body.length}`, "200 400", "the download");
  check([...new Set(body.toString().trim().split(/\s+/))].join() === VERSIONS[0], `the old version went on sending: ${body.toString().slice(0, 40)}`);
  const ended = await socket.ended;
  const at = (await server.exec(`docker inspect --format '{{.State.FinishedAt}}' ${environment.project}-web-v1`)).trim();
  const log = flow.logText(product, job);
  check(/At the end of the drain 1 connections are still open/.test(log), "said in the log");
  // Until the old container was stopped, and it was stopped when the drain was over, not before.
  check(Math.abs(ended - Date.parse(at)) < 2500, `the websocket ended with its container: ${new Date(ended).toISOString()}, ${at}`);
  const switched = log.indexOf("nginx reload");
  check(switched > 0, "nginx was reloaded");
  equal(product.sql(`SELECT results FROM job_step WHERE job_id = '${job}' AND name = 'retire'`).map((row) => JSON.parse(row.results).open_at_limit).join(), "1");
});

await test(`${DEPLOYS} deploys and rollbacks in a row, each seen live`, async () => {
  while (deployed.length <= DEPLOYS) {
    const version = VERSIONS[deployed.length % VERSIONS.length];
    await goesLive(version);
    deployed.push(version);
  }
  equal(deployed.length - 1, DEPLOYS);
});
const seconds = (Date.now() - began) / 1000;
console.log(`# ${deployed.length - 1} deploys in ${seconds.toFixed(0)} s`);

for (const { name, ms } of product.sql("SELECT name, CAST(avg(ended_at - started_at) AS INTEGER) AS ms FROM job_step WHERE state = 'ok' GROUP BY name ORDER BY min(step)")) console.log(`#   ${name}: ${ms} ms`);

await test("every version was seen serving, in this order and none but these", async () => {
  equal((await stopWatching()).join(" "), deployed.join(" "));
});

for (const [name, stop] of [["kept", kept], ["new", fresh]])
  await test(`no request failed on 32 ${name} connections, at 200 requests a second or more`, async () => {
    const { rate, statuses, errors, text } = await stop();
    console.log(`# ${name}: ${rate} requests/s, ${JSON.stringify(statuses)} ${errors}`);
    equal(Object.keys(statuses).join(), "200", text);
    equal(errors, "", "socket errors");
    check(rate >= 200, `${rate} requests/s`);
    check(statuses["200"] >= 200 * seconds * 0.95, `${statuses["200"]} answers in ${seconds} s`);
  });

await lib.done();
