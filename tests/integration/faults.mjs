#!/usr/bin/env node
// Bad input and faults of the first issue through the whole product: each ends in words that name the step, the cause and the fix.
import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";

const { test, check, equal, sleep } = lib;
const staged = await flow.stage(lib);
const { product, client, environment } = staged;
let { target } = staged;
const root = process.getuid() === 0;

// Would exist if any value were ever executed, here or on the target.
const canary = join(target.home, "executed");
// Kept as a secret: it must be nowhere but on the target. Nothing else in this file holds these bytes.
const hidden = `$(touch ${canary}) 'CANARY-4711' "quoted"`;
const nasty = {
  quotes: `a'b"c`,
  substitution: `$(touch ${canary})`,
  backticks: `\`touch ${canary}\``,
  newline: "one\ntwo",
  nul: "a\0b",
  semicolon: `x; touch ${canary}`,
  option: "-rf",
  traversal: "../../etc/passwd",
  million: "x".repeat(1 << 20),
  markup: "<script>alert(1)</script>",
};

async function refusedOrKept(path, action, field, others, pick) {
  for (const [name, value] of Object.entries(nasty)) {
    const answer = await client.submit(path, { ...others(name), [field]: value }, { action, follow: false });
    if (answer.status === 303) {
      equal(pick(name), value, `${field} (${name}) was taken: byte-exact`);
    } else {
      equal(answer.status, 422, `${field} (${name}):`);
      check(new RegExp(`id="[^"]*${field}[^"]*error|href="#f-${field}"|&quot;${field}&quot;`).test(answer.text), `${field} (${name}): the page names the field`);
      check(!answer.text.includes("<script>alert(1)"), `${field} (${name}): escaped`);
    }
  }
  check(!existsSync(canary), "nothing was executed");
}

// A failed job names the step, the cause in words and the fix: in its summary, and on its page each for itself.
async function told(model, name, cause) {
  equal(model.job.status.state, "failed", model.job.summary);
  const bad = model.hosts[0].steps.find((step) => step.status.state === "failed");
  equal(bad?.name, name, "the step that failed");
  check(cause.test(model.job.summary) && /Fix: \S/.test(model.job.summary), `cause and fix: ${model.job.summary}`);
  check(!/\berrno\b|\berror -?\d|\(-\d+\)/.test(model.job.summary), `words, not numbers: ${model.job.summary}`);
  const { verdict } = model;
  equal(verdict.step_text, bad.title, "the step on the page");
  check(cause.test(verdict.cause) && verdict.fix.length > 10, `on the page: ${JSON.stringify(verdict)}`);
  const page = await client.get(`/jobs/${model.job.id}`);
  check(page.text.includes("<dt>What to do</dt>") && page.text.includes(`>${bad.title}</a>`), "the page shows step and fix");
}

await test("hostile names of apps are refused with the field named, or kept", () =>
  refusedOrKept("/apps/new", "/apps/new", "name", (name) => ({ slug: `n-${name}` }), (name) => product.sql(`SELECT name FROM app WHERE slug = 'n-${name}'`)[0]?.name));

await test("hostile slugs and addresses are refused", async () => {
  await refusedOrKept("/apps/new", "/apps/new", "slug", () => ({ name: "x" }), () => "never");
  await refusedOrKept("/servers/new", "/servers/new", "address", (name) => ({ slug: `s-${name}` }), () => "never");
});

await test("invalid UTF-8 is refused by name", async () => {
  const page = await client.get("/apps/new");
  const fields = client.fields(page, undefined);
  const answer = await client.raw("POST", "/apps/new", { body: `csrf=${encodeURIComponent(fields.get("csrf"))}&slug=bad&name=%ff%fe`, headers: { "content-type": "application/x-www-form-urlencoded" } });
  check([400, 422].includes(answer.status), String(answer.status));
  check(/UTF-8/.test(answer.text), "the page says UTF-8");
});

await test("nasty env values arrive on the target byte-exact and are not executed", async () => {
  const values = { QUOTES: nasty.quotes, SUBST: hidden, TICKS: nasty.backticks, LINES: "one\ntwo\n", DOLLAR: "$HOME ${PATH} \\ \\n", SPACES: "  x  ", EQUALS: "a=b=c", UNICODE: "žluťoučký 🐎" };
  const page = await client.get(`${environment.href}/secrets`);
  const fields = client.fields(page, undefined);
  // One free row is on the form; more are made by saving again, as a person without JavaScript would.
  for (const [key, value] of Object.entries(values)) {
    const form = client.fields(await client.get(`${environment.href}/secrets`), undefined);
    const free = [...form.keys()].filter((name) => name.startsWith("key.") && form.get(name) === "").map((name) => name.split(".")[1])[0];
    check(free !== undefined, "there is a free row");
    form.set(`key.${free}`, key);
    form.set(`kind.${free}`, key === "SUBST" ? "secret" : "plain");
    form.set(`value.${free}`, value);
    const saved = await flow.saveReviewed(client, await client.raw("POST", `${environment.href}/secrets`, { body: form }));
    equal(saved.status, 200, `${key}: ${saved.text.match(/error[^<]*<[^<]*/g)}`);
  }
  check(fields.get("csrf"), "the form has a token");
  await client.submit(`${environment.href}/settings`, {
    "settings.migrate_command": `for k in ${Object.keys(values).join(" ")}; do eval "printf '%s' \\"\\$$k\\"" > "$HOME/value.$k"; done`,
  });
  const model = await flow.deploy(client, environment, "1.0.0");
  equal(model.job.status.state, "live", model.job.summary);
  for (const [key, value] of Object.entries(values)) equal(readFileSync(join(target.home, `value.${key}`), "utf8"), value, key);
  check(!existsSync(canary), "nothing was executed");
  check(!flow.logText(product, model.job.id).includes("CANARY-4711"), "a secret is not in the log");
  await client.submit(`${environment.href}/settings`, { "settings.migrate_command": 'echo "the token is $SUBST"' });
  const second = await flow.deploy(client, environment, "1.0.0");
  const log = flow.logText(product, second.job.id);
  check(log.includes("the token is "), "the line is in the log");
  check(!log.includes("CANARY-4711"), "the secret in it is masked");
  await client.submit(`${environment.href}/settings`, { "settings.migrate_command": "" });
});

await test("a corrupt tarball is caught at the step that checks it", async () => {
  const { artefact_id: id, file } = product.sql("SELECT id AS artefact_id, file FROM artefact WHERE version = '1.1.0'")[0];
  check(id);
  const path = join(product.var, "artefacts", file);
  const bytes = readFileSync(path);
  const broken = Buffer.from(bytes);
  broken[Math.floor(broken.length / 2)] ^= 1;
  writeFileSync(path, broken);
  const model = await flow.deploy(client, environment, "1.1.0");
  writeFileSync(path, bytes);
  await told(model, "upload", /SHA-256/);
  equal((await flow.health(environment.port)).version, "1.0.0", "what was live serves");
});

await test("a port that is taken: the step, the cause, the fix", async () => {
  const other = await flow.createEnvironment(client, { slug: "taken" });
  const holder = createServer().listen(other.port, "127.0.0.1");
  await sleep(100);
  const model = await flow.deploy(client, other, "1.0.0", 180000);
  holder.close();
  await told(model, "prepare", new RegExp(`Port ${other.port} is taken by `));
});

await test("a full disk on the target: the step, the cause, the fix", async () => {
  if (!root) return { skip: "needs root to mount a small tmpfs" };
  const folder = join(target.home, "small");
  execFileSync("mkdir", ["-p", folder]);
  // As root the private sshd has a mount namespace of its own.
  const inside = ["-t", String(target.pid), "-m"];
  execFileSync("nsenter", [...inside, "mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder]);
  try {
    const full = await flow.createEnvironment(client, { slug: "full", settings: flow.helloSettings("x", await lib.freePort(), { deploy_dir: "small/app" }) });
    const model = await flow.deploy(client, full, "1.0.0");
    await told(model, "prepare", /disk .*is full/);
  } finally {
    spawnSync("nsenter", [...inside, "umount", folder]);
  }
});

await test("a locked database is a clear page, and nothing is lost", async () => {
  const page = await client.get("/apps/new");
  const fields = client.fields(page, undefined);
  fields.set("slug", "while-locked");
  fields.set("name", "While locked");
  const holder = spawnSync("bash", ["-c", `{ (printf 'BEGIN IMMEDIATE;\\n'; sleep 9; printf 'ROLLBACK;\\n') | sqlite3 '${product.var}/db/windlass.db'; } >/dev/null 2>&1 &`], { encoding: "utf8" });
  check(holder.status === 0);
  await sleep(500);
  const answer = await client.raw("POST", "/apps/new", { body: fields, follow: false });
  equal(answer.status, 503);
  check(answer.headers.get("retry-after"), "Retry-After");
  check(/busy|locked/i.test(answer.text), "the page says so in words");
  await sleep(9500);
  const again = await client.raw("POST", "/apps/new", { body: fields, follow: false });
  equal(again.status, 303, "the same form goes through later");
});

await test("a server that has only algorithms libssh2 lacks: the step, the cause, the fix", async () => {
  const { port } = target;
  const keys = lib.scratch("keys");
  for (const end of ["", ".pub"]) copyFileSync(join(target.folder, `host_ed25519_key${end}`), join(keys, `host_ed25519_key${end}`));
  await target.stop();
  target = await lib.startTarget({ port, hostKeysFrom: keys, options: ["Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com"] });
  await told(await flow.deploy(client, environment, "1.0.0"), "connect", /ciphers aes256-gcm@openssh\.com/);
  await target.stop();
  target = await lib.startTarget({ port, hostKeysFrom: keys });
  rmSync(keys, { recursive: true });
});

await test("another host key is a hard stop that shows both, before any credential", async () => {
  const before = target.fingerprint();
  const { port } = target;
  await target.stop();
  const impostor = await lib.startTarget({ port });
  const logins = () => (impostor.log().match(/userauth|Accepted|Failed|authenticating user/gi) ?? []).length;
  const had = logins();
  const model = await flow.deploy(client, environment, "1.0.0");
  equal(model.job.status.state, "failed", model.job.summary);
  const words = model.job.summary + model.hosts[0].steps.map((s) => s.cause).join(" ");
  check(words.includes(before) && words.includes(impostor.fingerprint()), `both fingerprints: ${words}`);
  equal((await client.json("/servers/box")).server.status.state, "key_changed");
  check(product.sql("SELECT count(*) AS n FROM audit_event WHERE verb = 'server.key_changed'")[0].n > 0, "audited");
  equal(logins(), had, "no login was attempted");
  await impostor.stop();
});

await test("wrong key, unreachable server, missing algorithms: words, not numbers", async () => {
  const cases = [
    ["wrong-key", {}, /key/i, false],
    ["etm-only", { options: ["MACs hmac-sha2-256-etm@openssh.com", "Ciphers aes256-ctr"] }, /MAC|hmac/i, true],
    ["gcm-only", { options: ["Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com"] }, /cipher|gcm|chacha/i, true],
    ["rsa-only", { hostKeys: ["rsa"] }, /host key|rsa/i, false],
  ];
  for (const [slug, options, words] of cases) {
    const box = await lib.startTarget(options);
    await client.submit("/servers/new", { address: box.address, slug });
    const asked = await client.json(`/servers/${slug}?ask=1`);
    if (slug === "wrong-key") {
      await client.submit(`/servers/${slug}?ask=1`, {}, { action: `/servers/${slug}/pin` });
      const answer = await client.submit(`/servers/${slug}`, {}, { action: `/servers/${slug}/check` });
      const id = answer.url.match(/^\/jobs\/([a-z0-9]+)/)?.[1] ?? product.sql(`SELECT id FROM job WHERE kind = 'check' ORDER BY serial DESC LIMIT 1`)[0].id;
      const model = await flow.waitForJob(client, id);
      await told(model, "connect", words);
      check(/authorized_keys/.test(model.job.summary), `${slug}: ${model.job.summary}`);
    } else {
      check(asked.ask_error && words.test(asked.ask_error), `${slug}: ${asked.ask_error}`);
      check(!/-\d+/.test(asked.ask_error.replace(/hmac-\S+|aes\S+|sha2?-\S+|rsa-\S+|poly1305\S*|ssh-\S+|ecdsa-\S+|etm\S*/g, "")), `${slug}: no bare error number: ${asked.ask_error}`);
    }
    await box.stop();
  }
  await client.submit("/servers/new", { address: `x@127.0.0.1:${await lib.freePort()}`, slug: "nobody-home" });
  const { ask_error: gone } = await client.json("/servers/nobody-home?ask=1");
  check(/refused|not answer|reach/i.test(gone), gone);
});

await test("no secret value anywhere in the data folder in the clear", () => {
  const hits = [];
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile() && readFileSync(path).includes("CANARY-4711")) hits.push(path);
    }
  };
  walk(product.var);
  equal(hits.join(), "");
});

await lib.done();
