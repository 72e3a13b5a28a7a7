#!/usr/bin/env node
// `windlass key rotate|backup|restore` while the dashboard runs: killed at every point, beside people who save and jobs that run; a sheet of
// paper; a credential in the file's place.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, check, done, equal, scratch, sleep, startProduct, startTarget, test, until } from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";
import { saveSecrets, tokenOf } from "./lib/worker_ask.mjs";

const POINTS = ["begun", "key_written", "value", "encrypted", "committed", "noted", "renamed", "scrubbed"];
const COMMITTED = POINTS.indexOf("committed");
const SECRET = "CANARY-of-the-rotation";

const stage = await flow.stage({ startProduct, startTarget }, { product: { keep: true } });
let { product } = stage;
const { target, client, environment } = stage;
const points = scratch("points");

const command = (args, { input, env = {} } = {}) => {
  const run = spawnSync(join(bin, "windlass"), args, { encoding: "utf8", input, env: { ...process.env, WL_VAR: product.var, ...env } });
  return { status: run.status, out: run.stdout, error: run.stderr };
};
const keyFile = (name = "master.key") => join(product.var, "keys", name);
const numberOf = (sheet) => sheet.match(/Key number +([0-9a-f-]{19})/)[1];
const sheet = () => {
  const run = command(["key", "backup"]);
  equal(run.status, 0, run.error);
  return run.out;
};

const who = product.sql("SELECT id FROM user WHERE login = 'ann'")[0].id;
const place = product.sql("SELECT id FROM environment")[0].id;
const newest = () => product.sql(`SELECT coalesce(max(number), 0) AS number FROM secret_set WHERE environment_id = '${place}'`)[0].number;
// A set on top that keeps what is there: a child of the worker reads the old values and encrypts them again.
const save = (entries) => saveSecrets(product, { token: tokenOf(client), environment: place, user: who, base: newest(), entries });
const saveWell = (entries) => {
  const answer = save(entries);
  check(answer.ok, JSON.stringify(answer));
  return answer;
};
let saves = 0;
const keepAll = () => saveWell({ TOKEN: null, COUNT: `save ${++saves}` });
const env = () => readFileSync(join(target.home, environment.settings?.deploy_dir ?? `apps/hello-${environment.slug}`, "shared/.env"), "utf8");

// The supervisor, which holds the vault open all the time, reads every value for a deploy.
async function deployWell(version = "1.0.0") {
  const model = await flow.deploy(client, environment, version);
  equal(model.job.status.state, "live", model.job.summary);
  check(env().includes(SECRET), "the value arrives");
  check(env().includes(`save ${saves}`), "the newest value arrives");
}

await test("a rotation while the dashboard runs: the next deploy has the values, nobody is signed out, the history has it", async () => {
  saveWell({ TOKEN: SECRET, COUNT: "save 0" });
  await deployWell();
  const before = readFileSync(keyFile(), "utf8");
  const run = command(["key", "rotate"]);
  equal(run.status, 0, run.error);
  check(/under a new master key, number [0-9a-f-]{19} \(before: [0-9a-f-]{19}\)/.test(run.out), run.out);
  check(/2 secret values of 1 environments/.test(run.out) && /1 server keys/.test(run.out), run.out);
  check(readFileSync(keyFile(), "utf8") !== before, "another key");
  check(!run.out.includes(readFileSync(keyFile(), "utf8").trim()), "the key itself is not shown");
  equal(statSync(keyFile()).mode & 0o777, 0o400, "mode");
  equal(statSync(keyFile()).uid, statSync(join(product.var, "vault/vault.db")).uid, "its owner is the vault's");
  equal((await client.get("/")).status, 200, "still signed in");
  keepAll();
  await deployWell();
  const [event] = product.sql("SELECT actor_kind, result, detail FROM audit_event WHERE verb = 'key.rotate'");
  equal(event.actor_kind, "command_line");
  check(JSON.parse(event.detail).before.length === 19, event.detail);
});

await test("a job that runs meanwhile goes on to its end", async () => {
  await client.submit(`${environment.href}/settings`, { "settings.migrate_command": 'sleep 3; echo "the token is $TOKEN"' });
  const id = await flow.startDeploy(client, environment, "1.1.0");
  await until("its migrate step", async () => flow.step(await flow.jobOf(client, id), "migrate")?.status.state === "running", 60000);
  const run = command(["key", "rotate"]);
  equal(run.status, 0, run.error);
  const model = await flow.waitForJob(client, id);
  equal(model.job.status.state, "live", model.job.summary);
  const log = flow.logText(product, id);
  check(log.includes("the token is ") && !log.includes(SECRET), "and masks what it masked");
  await client.submit(`${environment.href}/settings`, { "settings.migrate_command": "" });
});

const rotating = () => spawn(join(bin, "windlass"), ["key", "rotate"], { stdio: "ignore", env: { ...process.env, WL_VAR: product.var, WL_FAILPOINTS: points } });
const ended = (child) => (child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise((done) => child.once("exit", done)));

for (const [i, point] of POINTS.entries()) {
  await test(`killed with -9 at "${point}": the old key or the new one, and everything opens`, async () => {
    const before = numberOf(sheet());
    writeFileSync(join(points, `key.rotate.${point}`), "");
    const child = rotating();
    await until(`the rotation to come to ${point}`, () => existsSync(join(points, `key.rotate.${point}.hit`)), 20000, 20);
    child.kill("SIGKILL");
    await ended(child);
    rmSync(join(points, `key.rotate.${point}.hit`));
    equal(child.signalCode, "SIGKILL");
    const after = numberOf(sheet());
    equal(after !== before, i >= COMMITTED, `the key, ${before} before and ${after} after,`);
    keepAll();
    if (i % 2) {
      product.kill(product.pidsOf("windlass-worker")[0]);
      await until("the worker", () => spawnSync(join(bin, "windlass"), ["ready"], { env: { ...process.env, WL_VAR: product.var } }).status === 0);
      if (i >= COMMITTED) check(!existsSync(keyFile("master.key.next")), "the worker finishes what is left");
      keepAll();
    }
    await deployWell(i % 3 ? "1.0.0" : "1.1.0");
    const again = command(["key", "rotate"]);
    equal(again.status, 0, again.error);
    const finished = /interrupted is finished now/.test(again.out);
    check(finished || numberOf(sheet()) !== after, again.out);
    if (i < COMMITTED) check(!finished, again.out);
    check(!existsSync(keyFile("master.key.next")), "no second key is left");
    keepAll();
    const number = numberOf(sheet());
    equal(product.sql(`SELECT count(*) AS n FROM audit_event WHERE verb = 'key.rotate' AND target_id = '${number}'`)[0].n, 1, "one event for the key that is");
  });
}

await test("killed at any time, twenty times, beside somebody who saves: nothing is lost", async () => {
  const busy = [];
  for (let i = 0; i < 20; i++) {
    const child = rotating();
    await sleep(5 + ((i * 37) % 90));
    child.kill("SIGKILL");
    await ended(child);
    const answer = save({ TOKEN: null, COUNT: `save ${saves + 1}` });
    if (answer.ok) saves++;
    else busy.push(answer.user);
    check(answer.ok || answer.code === "busy", JSON.stringify(answer));
  }
  await deployWell();
  equal(command(["key", "rotate"]).status, 0);
  await deployWell("1.1.0");
  check(busy.length < 20, `all were busy: ${busy[0]}`);
  const run = command(["audit", "verify"]);
  equal(run.status, 0, run.out);
});

await test("a byte of a value changed in the file: a deploy is refused and names the key, a rotation too, and nothing is changed", async () => {
  const vault = (text) => {
    const run = spawnSync("sqlite3", ["-bail", "-cmd", ".timeout 5000", join(product.var, "vault/vault.db"), text], { encoding: "utf8" });
    equal(run.status, 0, run.stderr);
    return run.stdout.trim();
  };
  const row = `environment_id = '${place}' AND number = ${newest()} AND key = 'TOKEN'`;
  const hex = vault(`SELECT hex(value_ct) FROM secret_value WHERE ${row}`);
  const at = 60; // a digit of the ciphertext
  vault(`UPDATE secret_value SET value_ct = x'${hex.slice(0, at)}${hex[at] === "0" ? "1" : "0"}${hex.slice(at + 1)}' WHERE ${row}`);
  const before = numberOf(sheet());
  const model = await flow.deploy(client, environment, "1.0.0");
  equal(model.job.status.state, "failed", model.job.summary);
  check(model.job.summary.includes(`The value of TOKEN in s${newest()} does not open`), model.job.summary);
  const run = command(["key", "rotate"]);
  equal(run.status, 5, run.out);
  check(run.error.includes("Nothing was changed: The value of TOKEN in s"), run.error);
  equal(numberOf(sheet()), before, "the key");
  vault(`UPDATE secret_value SET value_ct = x'${hex}' WHERE ${row}`);
  await deployWell();
});

await test("no value and no key is in the files of the vault after it", async () => {
  const bytes = Buffer.concat(readdirSync(join(product.var, "vault")).map((name) => readFileSync(join(product.var, "vault", name))));
  check(bytes.length > 50000 && !bytes.includes(SECRET) && !bytes.includes(readFileSync(keyFile(), "utf8").trim()), "found");
});

// --- the sheet ---

await test("key backup: a sheet with the key in groups, in the history; not on a terminal unless told", async () => {
  const text = sheet();
  for (const words of ["WINDLASS RECOVERY SHEET", "How to restore", product.var, product.sql("SELECT id FROM instance")[0].id, new Date().toISOString().slice(0, 10)]) check(text.includes(words), `no "${words}"`);
  const lines = [...text.matchAll(/^ +K([1-4]) +([0-9a-f]{4}) ([0-9a-f]{4}) ([0-9a-f]{4}) ([0-9a-f]{4}) +[0-9a-f]{4}$/gm)];
  equal(lines.map((line) => line[1]).join(""), "1234");
  equal(lines.map((line) => line.slice(2).join("")).join(""), readFileSync(keyFile(), "utf8").trim(), "the key");
  check(text.split("\n").every((line) => line.length <= 80 + product.var.length), "it fits on paper");
  check(product.sql("SELECT 1 FROM audit_event WHERE verb = 'key.backup' AND actor_kind = 'command_line'").length > 0, "event");
  const terminal = spawnSync("script", ["-qec", `${join(bin, "windlass")} key backup`, "/dev/null"], { encoding: "utf8", env: { ...process.env, WL_VAR: product.var } });
  if (terminal.error) return { skip: "needs script (package bsdutils)" };
  equal(terminal.status, 2, terminal.stdout);
  check(/--show/.test(terminal.stdout) && !/K1/.test(terminal.stdout), terminal.stdout);
  const shown = spawnSync("script", ["-qec", `${join(bin, "windlass")} key backup --show`, "/dev/null"], { encoding: "utf8", env: { ...process.env, WL_VAR: product.var } });
  check(/K1/.test(shown.stdout), shown.stdout);
});

await test("a sheet that cannot be written is a failure, and no sheet without its event", async () => {
  const full = spawnSync("sh", ["-c", `exec "${join(bin, "windlass")}" key backup >/dev/full`], { encoding: "utf8", env: { ...process.env, WL_VAR: product.var } });
  equal(full.status, 1, full.stderr);
});

await test("key restore: typing errors are named by line, another sheet by its number, and the lost key comes back", async () => {
  const text = sheet();
  const key = readFileSync(keyFile(), "utf8");
  equal(command(["key", "restore"], { input: text }).out.includes("in its place already"), true);
  renameSync(keyFile(), keyFile("away"));
  const refused = save({ TOKEN: null });
  check(!refused.ok && /master key/.test(refused.user) && /recovery sheet/.test(refused.user), JSON.stringify(refused));
  const wrong = text.replace(/(K3 +)(.)/, (all, front, digit) => front + (digit === "7" ? "1" : "7"));
  const typo = command(["key", "restore"], { input: wrong });
  equal(typo.status, 2, typo.error);
  check(/Line K3 has a typing error/.test(typo.error), typo.error);
  check(!existsSync(keyFile()), "nothing is written");
  const few = command(["key", "restore"], { input: text.replace(/^ +K2.*$/m, "") });
  check(few.status === 2 && /K2 of the key is missing/.test(few.error), few.error);
  const lines = text.match(/^ +K[1-4].*$/gm).join("\n");
  const run = command(["key", "restore"], { input: lines });
  equal(run.status, 0, run.error);
  equal(readFileSync(keyFile(), "utf8"), key);
  equal(statSync(keyFile()).mode & 0o777, 0o400, "mode");
  equal(statSync(keyFile()).uid, statSync(join(product.var, "vault/vault.db")).uid, "owner");
  rmSync(keyFile("away"));
  keepAll();
  equal(product.sql("SELECT count(*) AS n FROM audit_event WHERE verb = 'key.restore'")[0].n, 1);
  equal(command(["key", "rotate"]).status, 0);
  const old = command(["key", "restore"], { input: text });
  equal(old.status, 5, old.error);
  check(old.error.includes(numberOf(text)) && old.error.includes(numberOf(sheet())) && /Nothing was changed/.test(old.error), old.error);
  await deployWell();
});

await test("a key is never an argument", () => {
  const key = readFileSync(keyFile(), "utf8").trim();
  for (const args of [["key", "restore", key], ["key", "rotate", key]]) equal(command(args).status, 2, args[1]);
});

// --- a credential ---

await test("as a credential of the service: it opens the vault, no file is written, a rotation says what to do", async () => {
  await product.stop();
  const credentials = scratch("credentials");
  const credential = join(credentials, "windlass-master.key");
  writeFileSync(credential, readFileSync(keyFile()));
  chmodSync(credential, 0o444); // systemd gives the service's user an ACL
  rmSync(keyFile());
  const given = { CREDENTIALS_DIRECTORY: credentials };
  product = await startProduct({ again: product, env: given });
  keepAll();
  await deployWell("1.1.0");
  check(!existsSync(keyFile()), "no file");
  const run = command(["key", "rotate"], { env: given });
  equal(run.status, 5, run.error);
  check(/credential/.test(run.error) && /docs\/running\.md/.test(run.error), run.error);
  const without = command(["key", "rotate"]);
  equal(without.status, 1, without.error);
  check(/is missing/.test(without.error), without.error);
  equal(command(["key", "backup"], { env: given }).status, 0, "a sheet of it");
  // The steps of docs/running.md.
  mkdirSync(join(product.var, "keys"), { recursive: true });
  equal(command(["key", "restore"], { input: command(["key", "backup"], { env: given }).out }).status, 0, "restore");
  const rotated = command(["key", "rotate"]);
  equal(rotated.status, 0, rotated.error);
  rmSync(credential);
  writeFileSync(credential, readFileSync(keyFile()));
  chmodSync(credential, 0o444);
  rmSync(keyFile());
  keepAll();
  await deployWell();
  rmSync(credentials, { recursive: true });
});

await product.stop();
await target.stop();
rmSync(points, { recursive: true });
await done();
