#!/usr/bin/env node
// An app that prints its whole environment, in every form in which programs write values, in writes of 1 to 7 bytes: with the release recipe from its migrate
// command, with Compose from a container that fails. Then every place is searched where nothing of it may be: both databases and all other files of Windlass,
// pages, JSON, the process list of both sides while it ran, and the servers' files other than the 0600 .env. The job page counts every value that was hidden.
// The same with WL_UNMASKED=1 finds all of them, so that the search is known to find.
import { randomBytes } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";
import { FORMS, needles } from "./lib/print_environment.mjs";

const { test, check, equal } = lib;
const { flow } = stack;

const why = await missing();
if (why) {
  await test("canaries", () => ({ skip: why }));
  await lib.done();
}

const word = () => randomBytes(9).toString("hex");
const oneLine = () => ({
  CANARY_WORD: word(), CANARY_SIX: randomBytes(3).toString("hex"), CANARY_URL: `p@ss w/rd:+&=%20 ${word()}`, CANARY_JSON: `{"k":"${word()}","n":[1,2]}`, CANARY_SHELL: `it's "q" \\ $HOME \`x\` $$ ${word()}`, CANARY_UNICODE: `漢😀-${word()}-é`,
});
const severalLines = () => ({ CANARY_PEM: `-----BEGIN PRIVATE KEY-----\n${randomBytes(48).toString("base64")}\n${randomBytes(30).toString("base64")}\n-----END PRIVATE KEY-----\n`, CANARY_LINES: `first ${word()}\n  second "${word()}"\nlast` });
const TIMES = 2;
const CONTROL = `no-secret-${word()}`;

const [hiding, showing, place, box] = await Promise.all([lib.startProduct(), lib.startProduct({ env: { WL_UNMASKED: "1" } }), startLab({ servers: [{ kind: 12 }, { kind: 13 }] }), lib.startTarget()]);
const { registry } = place;
await stack.pushStack(registry, "one");

// --- the process list, while anything runs --------------------------------------------------------------------------------------------------
// Also what runs in the lab's containers: their processes are this machine's.
const argv = new Set();
function look() {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      argv.add(readFileSync(`/proc/${pid}/cmdline`).toString().replaceAll("\0", " "));
    } catch {
      // it has ended
    }
  }
}
const looking = setInterval(look, 40);
lib.endAtExit({ stop: async () => clearInterval(looking) });

// --- searching ------------------------------------------------------------------------------------------------------------------------------------
const allNeedles = (values) => Object.entries(values).flatMap(([key, value]) => Object.entries(needles(value)).flatMap(([form, texts]) => texts.map((text) => ({ key, form, bytes: Buffer.from(text) }))));

function search(where, bytes, list, found) {
  for (const { key, form, bytes: needle } of list) if (bytes.includes(needle)) found.push(`${key} (${form}) is in ${where}`);
}

function filesBelow(folder) {
  const files = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...filesBelow(path));
    else if (entry.isFile()) files.push(path);
  }
  return files;
}

// Every page that a person comes to from the environment and the job, as HTML and as JSON.
async function pagesOf(client, environment, job) {
  const wanted = new RegExp(`^(/|/jobs(/${job}.*)?|/audit.*|/apps|/servers.*|/apps/${environment.app}|${environment.href}(/.*)?)$`);
  const waiting = ["/", environment.href, `/jobs/${job}`, `/jobs/${job}/log`, `/jobs/${job}/raw`, "/audit", `${environment.href}/secrets/raw`, `${environment.href}/secrets/history`];
  const pages = new Map();
  while (waiting.length && pages.size < 160) {
    const path = waiting.shift();
    if (pages.has(path)) continue;
    const [html, json] = [await client.get(path), await client.raw("GET", path, { headers: { accept: "application/json" } })];
    pages.set(path, html.text + json.text);
    for (const [, href] of html.text.matchAll(/href="([^"#]*)"/g)) {
      const next = href.replaceAll("&amp;", "&");
      if (wanted.test(next.split("?")[0]) && !next.startsWith(`/jobs/${job}/events`)) waiting.push(next);
    }
  }
  return pages;
}

// The output in a job's log as it was printed: the pieces of a line together again.
function printed(product, job) {
  const parts = [];
  for (const line of flow.logText(product, job).split("\n")) {
    const [, kind, text] = line.match(/^\S+ \S+ \S+ (\w) \S+ (.*)$/s) ?? [];
    if (kind === "o" || kind === "p") parts.push(text, kind === "o" ? "\n" : "");
  }
  return parts.join("");
}

// What must show when nothing is hidden: of base64 the one alignment that it happens to have.
function notShown(text, values) {
  const lost = [];
  for (const [key, value] of Object.entries(values))
    for (const [form, texts] of Object.entries(needles(value))) {
      const seen = texts.filter((part) => text.includes(part)).length;
      if (/^base64/.test(form) ? seen === 0 : seen < texts.length) lost.push(`${key} (${form})`);
    }
  return lost.join(", ");
}

// --- the release recipe ---------------------------------------------------------------------------------------------------------------------------
const printer = join(lib.top, "tests/scenarios/lib/print_environment.mjs");
const SETS = [1, 2, 3].map(() => ({ ...oneLine(), ...severalLines() }));
const OLD = Object.fromEntries(SETS.slice(0, 2).flatMap((set, i) => Object.entries(set).map(([key, value]) => [`${key}_${i + 1}`, value])));
const ALL = { ...OLD, ...SETS[2] };

async function release(product, client, slug) {
  const settings = flow.helloSettings(slug, await lib.freePort(), { migrate_command: `exec '${process.execPath}' '${printer}' ${TIMES}`, health_soak_s: "0", health_count: "1" });
  const environment = await flow.createEnvironment(client, { slug, settings });
  const plain = { CONTROL, OLD_HEX: Buffer.from(JSON.stringify(OLD)).toString("hex") };
  for (const set of SETS) await stack.saveTable(client, environment, { ...set, ...plain }, (key) => (key in plain ? "plain" : "secret"));
  const model = await flow.deploy(client, environment, "1.0.0", 120000);
  equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
  return { environment, model };
}

// --- Compose ----------------------------------------------------------------------------------------------------------------------------------
const FEW = oneLine();
const CONTAINER_FORMS = 5;
const script = `env | grep -e ^CANARY -e ^CONTROL >/tmp/env # 20 lines of a container are shown
dd if=/tmp/env bs=3 2>/dev/null
base64 /tmp/env | tr -d '\\n' | dd bs=1 2>/dev/null; echo
hexdump -v -e '/1 "%02X"' /tmp/env | sed 's/../%&/g' | dd bs=7 2>/dev/null; echo
sed 's/[\\\\"]/\\\\&/g; s/=/":"/; s/^/"/; s/$/",/' /tmp/env | tr -d '\\n' | dd bs=2 2>/dev/null; echo
export -p | grep CANARY_ | dd bs=5 2>/dev/null
sleep 0.7 # so that who looks at the list of processes sees this one
exit 1`;
const composeFile = `services:
  backend:
    image: ${registry.host}/chat-backend:\${TAG}
    env_file: [.env]
    command: ["sh", "-c", ${JSON.stringify(script).replaceAll("$", "$$$$")}]
`;

async function compose(client, slug, server) {
  const environment = await stack.createEnvironment(client, slug, { server: `debian${server.kind}`, file: composeFile, settings: { health_port: "", soak_s: "1", health_deadline_s: "5" } });
  await stack.saveTable(client, environment, { ...FEW, CONTROL }, (key) => (key === "CONTROL" ? "plain" : "secret"));
  const model = await flow.deploy(client, environment, "one", 120000);
  equal(model.job.status.state, "failed", model.job.summary);
  return { environment, model };
}

// --- both products at once -------------------------------------------------------------------------------------------------------------------
async function setUp(product, servers) {
  const client = await flow.setUp(product);
  await flow.createApp(client);
  await stack.addRegistry(client, registry);
  await stack.createApp(client);
  await flow.addServer(client, box);
  for (const server of servers) await flow.addServer(client, server, `debian${server.kind}`);
  return client;
}
const [twelve, thirteen] = place.servers;
const [client, open] = await Promise.all([setUp(hiding, [twelve, thirteen]), setUp(showing, [thirteen])]);
const runs = { hidden: release(hiding, client, "canary"), on12: compose(client, "on12", twelve), on13: compose(client, "on13", thirteen), shown: release(showing, open, "shown"), shown13: compose(open, "shown13", thirteen) };
for (const run of Object.values(runs)) run.catch(() => {}); // told by the test that asks for it
await Promise.allSettled(Object.values(runs));
clearInterval(looking);

// --- the search finds ----------------------------------------------------------------------------------------------------------------------------
await test("with the mask off, every value shows in the log in every form", async () => {
  const { model } = await runs.shown;
  const text = printed(showing, model.job.id);
  equal(notShown(text.replace(/\n/g, "") + text, ALL), "");
  const short = await runs.shown13;
  const few = printed(showing, short.model.job.id);
  for (const [key, value] of Object.entries(FEW)) {
    const { raw, base64, json, export: exported } = needles(value);
    const percent = [...Buffer.from(value)].map((c) => `%${c.toString(16).toUpperCase().padStart(2, "0")}`).join("");
    for (const [form, texts] of Object.entries({ raw, json, exported, percent: [percent] })) check(few.includes(texts[0]), `${key} (${form})`);
    check(base64.some((digits) => few.includes(digits)), `${key} (base64)`);
  }
  equal((await open.json(`/jobs/${model.job.id}`)).log.masked, 0, "masked");
});

// --- nothing is found -------------------------------------------------------------------------------------------------------------------------------
const EVERY = allNeedles({ ...ALL, ...Object.fromEntries(Object.entries(FEW).map(([key, value]) => [`${key}_OF_COMPOSE`, value])) });

await test("release: no value is in the log, each is counted once, and a plain one stays", async () => {
  const { model } = await runs.hidden;
  const text = printed(hiding, model.job.id);
  const found = [];
  search("the log", Buffer.from(text), EVERY, found);
  search("the log, its line breaks left out", Buffer.from(text.replace(/\n/g, "")), EVERY, found);
  equal(found.join("\n"), "");
  check(text.split(CONTROL).length - 1 >= TIMES, "the control value is there as it is");
  const { log } = await client.json(`/jobs/${model.job.id}`);
  equal(log.masked, Object.keys(ALL).length * Object.keys(FORMS).length * TIMES, "keys x forms x occurrences");
  check((await client.get(`/jobs/${model.job.id}`)).text.includes(`>${log.masked} values masked<`), "the page says it");
});

for (const server of place.servers)
  await test(`compose on Debian ${server.kind}: a container's last words hold no value, each is counted once, and a plain one stays`, async () => {
    const { model } = await runs[`on${server.kind}`];
    const text = printed(hiding, model.job.id);
    const found = [];
    search("the log", Buffer.from(text), EVERY, found);
    equal(found.join("\n"), "");
    check(text.includes(`CONTROL=${CONTROL}`), text);
    equal((await client.json(`/jobs/${model.job.id}`)).log.masked, Object.keys(FEW).length * CONTAINER_FORMS, "keys x forms");
  });

await test("no file of Windlass holds one: databases, logs, everything in its data folder", () => {
  const found = [];
  const files = filesBelow(hiding.var);
  for (const name of ["windlass.db", "vault.db"]) check(files.some((path) => basename(path) === name), `${name} is among them`);
  for (const path of files) search(path.slice(hiding.var.length), readFileSync(path), EVERY, found);
  search("what it printed", Buffer.from(hiding.output()), EVERY, found);
  equal(found.join("\n"), "");
});

await test("no page of the environments and the jobs holds one, as HTML or JSON", async () => {
  const found = [];
  for (const run of [runs.hidden, runs.on12, runs.on13]) {
    const { environment, model } = await run;
    const pages = await pagesOf(client, environment, model.job.id);
    check(pages.size >= 12, `pages: ${[...pages.keys()].join(" ")}`);
    for (const [path, text] of pages) search(path, Buffer.from(text), EVERY, found);
    const all = [...pages.values()].join("\n");
    check(all.includes(CONTROL), "a plain value is on them");
  }
  equal(found.join("\n"), "");
});

await test("no process was started with one among its arguments, here or on the servers", () => {
  const found = [];
  check([...argv].some((line) => line.includes("print_environment.mjs")) && [...argv].some((line) => line.includes("hexdump")), "the apps' own processes were seen");
  search("a command line", Buffer.from([...argv].join("\n")), EVERY, found);
  equal(found.join("\n"), "");
});

await test("the servers hold them in .env files of mode 0600 and, with Compose, in the engine's own store; nowhere else", async () => {
  const found = [];
  let kept = 0;
  for (const path of filesBelow(box.home)) {
    if (/^\.env/.test(basename(path)) && (statSync(path).mode & 0o777) === 0o600) kept++;
    else search(path.slice(box.home.length), readFileSync(path), EVERY, found);
  }
  check(kept >= 1, "the .env is there");
  for (const server of place.servers) {
    const patterns = [...new Set(EVERY.map(({ bytes }) => bytes.toString()).filter((text) => !text.includes("\n")))].join("\n");
    const hits = await server.exec("grep -rlaF -D skip -f - /home /root /tmp /var/tmp /var/log /etc /run /opt /srv 2>/dev/null | while read -r file; do stat -c '%a %n' \"$file\"; done", { input: patterns });
    for (const line of hits.split("\n").filter(Boolean)) if (!/^600 .*\/\.env[^/]*$/.test(line) && !/\/run\/(docker|containerd)\//.test(line)) found.push(`Debian ${server.kind}: ${line}`);
    check(/^600 .*\/\.env$/m.test(hits), `Debian ${server.kind} has its .env: ${hits}`);
  }
  equal(found.join("\n"), "");
});

await lib.done();
