#!/usr/bin/env node
// Values byte for byte, from the form to the environment of the running process: every value known to break tools, and a thousand random ones, through Compose v1
// on Debian 12, Compose v2 on Debian 13 and the release recipe. What arrived is read where the kernel keeps it: /proc/PID/environ.
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";
import { CORPUS, asEnvText, differences, randomValues, readEnviron } from "./lib/values.mjs";

const { test, check, equal } = lib;
const { flow } = stack;

const why = await missing();
if (why) {
  await test("values byte for byte on real engines", () => ({ skip: why }));
  await lib.done();
}

const SEED = Number(process.env.WL_TEST_SEED ?? 20261125);
const PER_SET = 500; // the most that a set holds
const random = randomValues(SEED, 2 * PER_SET);
const half = (n) => Object.fromEntries(Object.entries(random).slice(n * PER_SET, (n + 1) * PER_SET));
const SETS = { corpus: CORPUS, first: half(0), second: half(1) };

const [product, place, box] = await Promise.all([lib.startProduct(), startLab({ servers: [{ kind: 12 }, { kind: 13 }] }), lib.startTarget()]);
const { servers, registry } = place;
const client = await flow.setUp(product);
await stack.pushStack(registry, "one");
await stack.addRegistry(client, registry);
await stack.createApp(client);
await flow.createApp(client);
await flow.addServer(client, box);
for (const server of servers) await flow.addServer(client, server, `debian${server.kind}`);

// --- into the form ----------------------------------------------------------------------------------------------------------------------------
// A set that replaces the one before it, in one request.
async function saveRaw(environment, values) {
  const path = `${environment.href}/secrets/raw`;
  const saved = await flow.saveReviewed(client, await client.submit(path, { text: asEnvText(values), kind: "secret", mode: "replace" }, { action: path }));
  equal(`${saved.status} ${saved.url.split("?")[0]}`, `200 ${environment.href}/secrets`, `saved: ${stack.errorsOf(saved)} ${saved.text.match(/<li><span class="num">Line[\s\S]{0,300}/)?.[0] ?? ""}`);
}

const kindOf = (key, value) => (value === "" ? "plain" : "secret"); // one that is empty is no secret

async function deploySet(environment, name, version) {
  if (name === "corpus") await stack.saveTable(client, environment, SETS[name], kindOf);
  else await saveRaw(environment, SETS[name]);
  const began = Date.now();
  const model = await flow.deploy(client, environment, version, 180000);
  equal(model.job.status.state, "live", `${name}: ${model.job.summary} ${stack.failedStep(model)?.cause}`);
  console.log(`# ${environment.slug}, ${name}: ${Object.keys(SETS[name]).length} values, ${Date.now() - began} ms`);
  return model;
}

// --- out of the process ---------------------------------------------------------------------------------------------------------------------
async function ofContainer(server, environment) {
  const { backend } = await stack.containers(server, environment.project);
  const text = await server.exec(`docker exec ${backend.name} cat /proc/1/environ | base64 -w0`);
  return readEnviron(Buffer.from(text.trim(), "base64"));
}

// The app itself: the one process whose program lies in the environment's folder.
function ofProcess(folder) {
  const found = readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readlinkSync(`/proc/${name}/exe`).startsWith(`${folder}/`);
    } catch {
      return false; // it has ended
    }
  });
  equal(found.length, 1, `processes of ${folder}`);
  return readEnviron(readFileSync(`/proc/${found[0]}/environ`));
}

// Compose is given each value twice: as env_file, and filled into the Compose file.
const composeFile = (names) => `services:
  backend:
    image: ${registry.host}/chat-backend:\${TAG}
    env_file: [.env]
    healthcheck: {test: ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8000/health"], interval: 3s, timeout: 4s, retries: 3}
    environment:
      FILLED: "${names.length}"
${names.map((name) => `      FILL_${name}: "\${${name}}"\n`).join("")}`;

async function throughCompose(server) {
  const settings = { health_port: "", soak_s: "0" };
  const made = (slug, names) => stack.createEnvironment(client, slug, { server: `debian${server.kind}`, file: composeFile(names), settings });
  const environment = await made(`values${server.kind}`, Object.keys(CORPUS));
  const others = await made(`random${server.kind}`, []);
  const wrong = [];
  const through = async (name, target) => {
    const model = await deploySet(target, name, "one");
    const environ = await ofContainer(server, target);
    wrong.push(differences(SETS[name], environ));
    const filled = [...environ.keys()].filter((key) => key.startsWith("FILL_")).map((key) => key.slice(5));
    equal(environ.get("FILLED")?.toString(), String(filled.length), "values filled into the Compose file");
    wrong.push(differences(Object.fromEntries(filled.map((key) => [`FILL_${key}`, SETS[name][key]])), environ));
    wrong.push(...inLog(model, SETS[name]));
  };
  await Promise.all([through("corpus", environment), through("first", others).then(() => through("second", others))]);
  equal(wrong.filter(Boolean).join("\n"), "");
}

// Long values of several words, so that what the log says by itself is none of them.
function inLog(model, values) {
  const log = flow.logText(product, model.job.id);
  return Object.entries(values).filter(([, value]) => value.length >= 24 && log.includes(value)).map(([key]) => `${key} is in the log`);
}

async function throughRelease() {
  const environment = await flow.createEnvironment(client, { slug: "values", settings: flow.helloSettings("values", await lib.freePort(), { health_soak_s: "0", health_count: "1" }) });
  const wrong = [];
  for (const [name, version] of [["corpus", "1.0.0"], ["first", "1.1.0"], ["second", "1.0.0"]]) {
    const model = await deploySet(environment, name, version);
    const environ = ofProcess(`${box.home}/apps/values`);
    wrong.push(differences(SETS[name], environ), ...inLog(model, SETS[name]));
    for (const key of Object.keys(random)) if (environ.has(key) && !(key in SETS[name])) wrong.push(`${key} is of the set before`);
  }
  equal(wrong.filter(Boolean).join("\n"), "");
}

// --- the claims, all three at the same time ---------------------------------------------------------------------------------------------------
console.log(`# seed ${SEED}`);
const ways = [
  ["Compose v1 on Debian 12: every value arrives byte for byte, as env_file and filled into the Compose file", () => throughCompose(servers[0])],
  ["Compose v2 on Debian 13: every value arrives byte for byte, as env_file and filled into the Compose file", () => throughCompose(servers[1])],
  ["the release recipe: every value arrives byte for byte", throughRelease],
];
const ends = await Promise.all(ways.map(([, body]) => body().then(() => null, (error) => error)));
for (const [i, [name]] of ways.entries())
  await test(name, () => {
    if (ends[i]) throw ends[i];
  });

// --- what cannot be sent is refused by name -----------------------------------------------------------------------------------------------------
await test("a carriage return is refused with the key's name, since Compose v1 would change it", async () => {
  const environment = { href: "/apps/chat/random12" };
  await stack.saveTable(client, environment, { RETURN: "a\rb" }, kindOf);
  const model = await flow.deploy(client, environment, "one", 60000);
  equal(model.job.status.state, "failed", model.job.summary);
  check(/RETURN holds a carriage return/.test(model.job.summary), model.job.summary);
});

await test("a variable that is also the version's is refused by name", async () => {
  const environment = { href: "/apps/chat/random13" };
  await stack.saveTable(client, environment, { TAG: "two" }, kindOf);
  const model = await flow.deploy(client, environment, "one", 60000);
  equal(model.job.status.state, "failed", model.job.summary);
  check(/TAG is the variable of the version/.test(model.job.summary), model.job.summary);
});

await lib.done();
