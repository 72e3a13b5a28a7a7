#!/usr/bin/env node
// Code that runs as windlass-web: what it can do, and that it is not enough. The attempts are system calls of the real process that serves
// the pages (tests/integration/lib/web_puppet.c), with its user, its Landlock and everything else it has given up; each has a control in
// which it succeeds: in the worker's process, or with the session of somebody who may. Once with a user per program, once with one for all.
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, bin, check, done, equal, processes, scratch, startProduct, test, top, until } from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";
import { ask, hashOf, helper, saveSecrets, seal, tokenOf } from "./lib/worker_ask.mjs";

const ORDINARY = 64322; // an account that nobody has
const SECRET = "CANARY-of-the-web-process";
const HAS_REVEAL = readFileSync(join(top, "worker/ask/answer.c"), "utf8").includes('"secrets.reveal"');

// x86-64
const NR = { read: 0, close: 3, socket: 41, connect: 42, sendto: 44, recvfrom: 45, execve: 59, kill: 62, getuid: 102, ptrace: 101, openat: 257, unlinkat: 263, linkat: 265, symlinkat: 266, vm_read: 310, renameat2: 316 };
const HERE = -100; // AT_FDCWD
const [O_RDONLY, O_WRONLY, O_RDWR, O_DIRECTORY] = [0, 1, 2, 0o200000];
const [EPERM, EACCES] = [-1, -13];
const text = (string) => `x:${Buffer.from(string).toString("hex")}00`;
const bytes = (buffer) => `x:${Buffer.from(buffer).toString("hex")}`;
const open = (path, flags) => [NR.openat, HERE, text(path), flags, 0o600];

if (process.getuid() !== 0 || process.arch !== "x64") {
  await test("code as windlass-web", () => ({ skip: process.getuid() !== 0 ? "needs root, to make a process do what it would not" : "knows x86-64 only" }));
  await done();
}
const puppet = helper("web_puppet");

// The calls in this process, one after the other: [{result, bytes}].
function make(pid, ...calls) {
  const run = spawnSync(puppet, [String(pid)], { input: calls.map((call) => call.join(" ")).join("\n") + "\n", encoding: "utf8" });
  if (run.status !== 0) throw new Error(`web_puppet ${pid}: ${run.stderr}`);
  const answers = run.stdout.trim().split("\n").map((line) => line.split(" ")).map(([result, hex]) => ({ result: Number(result), bytes: Buffer.from(hex ?? "", "hex") }));
  equal(answers.length, calls.length, "answers");
  return answers;
}
// The result of each, and whatever it opened is closed again.
function attempt(pid, call) {
  const [first] = make(pid, call);
  if (first.result >= 0 && call[0] === NR.openat) make(pid, [NR.close, first.result]);
  return first.result;
}

const statusOf = (pid) => readFileSync(`/proc/${pid}/status`, "utf8");
const numbers = (pid, name) => statusOf(pid).match(new RegExp(`^${name}:[ \\t]*(.*)$`, "m"))[1].trim().split(/\s+/).filter(Boolean).map(Number);

// windlass up as an ordinary user, although we are root.
function ordinaryPrograms() {
  const folder = scratch("ordinary");
  writeFileSync(join(folder, "windlass"), `#!/bin/sh
before=
for word; do
    [ "$before" != --var ] || { mkdir -p "$word" && chown ${ORDINARY}:${ORDINARY} "$word"; }
    before=$word
done
exec setpriv --reuid=${ORDINARY} --regid=${ORDINARY} --clear-groups "${join(bin, "windlass")}" "$@"
`);
  chmodSync(join(folder, "windlass"), 0o755);
  return folder;
}

async function claims(mode, product) {
  const say = (claim) => `${mode}: ${claim}`;
  const path = (name) => join(product.var, name);
  const client = await flow.setUp(product);
  equal((await client.submit("/apps/new", { slug: "hello", name: "Hello", note: "" })).status, 200, "app");
  const created = await client.submit("/apps/hello/new?recipe=release", { slug: "staging", tier: "staging", ...Object.fromEntries(Object.entries(flow.helloSettings("x", 8123)).map(([key, value]) => [`settings.${key}`, value])) }, { action: undefined });
  check(created.url.startsWith("/apps/hello/staging"), `environment: ${created.status} ${created.url}`);
  const environment = product.sql("SELECT id FROM environment")[0].id;
  const app = product.sql("SELECT id FROM app")[0].id;
  const ann = product.sql("SELECT id FROM user WHERE login = 'ann'")[0].id;
  const annToken = tokenOf(client);
  const saved = saveSecrets(product, { token: annToken, environment, user: ann, base: 0, entries: { TOKEN: SECRET } });
  check(saved.ok, JSON.stringify(saved));
  execFileSync(join(bin, "windlass"), ["user", "add", "eve", "--role", "viewer"], { input: "a very long secret\n", env: { ...process.env, WL_VAR: product.var } });
  const eve = product.sql("SELECT id FROM user WHERE login = 'eve'")[0].id;
  const eveClient = new Client(product.url);
  await eveClient.submit("/login", { login: "eve", password: "a very long secret" }, { action: "/login" });
  const eveToken = tokenOf(eveClient);

  const all = product.pidsOf("windlass-web");
  // A child that answers one question may be gone before it is looked at.
  const parentOf = (pid) => processes().find((p) => p.pid === pid)?.parent;
  const web = all.find((pid) => all.includes(parentOf(pid))); // a child: one that serves pages
  const worker = product.pidsOf("windlass-worker").find((pid) => parentOf(pid) === product.pid);
  check(web && worker, `web ${web}, worker ${worker}`);
  const memory = `0x${readFileSync(`/proc/${worker}/maps`, "utf8").match(/^([0-9a-f]+)-[0-9a-f]+ rw-p /m)[1]}`; // its first variables

  await test(say("the process is the one that serves pages, and does what it is told"), () => {
    const [uid, fd] = make(web, [NR.getuid], open(path("db/windlass.db"), O_RDWR));
    equal(uid.result, numbers(web, "Uid")[0], "its user");
    equal(numbers(web, "Uid")[0] === numbers(worker, "Uid")[0], mode === "one user", "the worker's user");
    check(fd.result >= 0, `the shared database opens for writing: ${fd.result}`);
    equal(make(web, [NR.close, fd.result])[0].result, 0);
    equal(numbers(web, "NoNewPrivs")[0], 1, "no new rights");
  });

  await test(say("it cannot open the vault, the key, or their folders, by any way to them"), () => {
    const files = ["vault/vault.db", "vault/vault.db-wal", "keys/master.key"];
    for (const name of files) {
      check(existsSync(path(name)), name);
      for (const flags of [O_RDONLY, O_RDWR, O_WRONLY]) equal(attempt(web, open(path(name), flags)), EACCES, `${name} ${flags}:`);
      equal(attempt(web, open(`/proc/${worker}/root${path(name)}`, O_RDONLY)), EACCES, `${name} by the worker's root:`);
      equal(attempt(web, open(path(`db/../${name}`), O_RDONLY)), EACCES, `${name} by dots:`);
      check(attempt(web, [NR.linkat, HERE, text(path(name)), HERE, text(path("db/stolen")), 0]) < 0, `a link to ${name}`);
      check(attempt(web, [NR.symlinkat, text(path(name)), HERE, text(path("artefacts/stolen"))]) < 0 || attempt(web, open(path("artefacts/stolen"), O_RDONLY)) === EACCES, `a symlink to ${name}`);
      check(attempt(web, [NR.renameat2, HERE, text(path(name)), HERE, text(path("db/stolen")), 0]) < 0, `${name} moved`);
      check(attempt(web, [NR.unlinkat, HERE, text(path(name)), 0]) < 0, `${name} removed`);
    }
    for (const name of ["vault", "keys"]) equal(attempt(web, open(path(name), O_RDONLY | O_DIRECTORY)), EACCES, `${name}:`);
    // The control: the same calls in the worker's process.
    for (const name of files) check(attempt(worker, open(path(name), O_RDONLY)) >= 0, `the worker opens ${name}`);
    check(attempt(worker, open(path("vault/vault.db"), O_RDWR)) >= 0, "and writes to the vault");
    const [fd] = make(worker, open(path("keys/master.key"), O_RDONLY));
    const [key] = make(worker, [NR.read, fd.result, "r:65", 65], [NR.close, fd.result]);
    equal(key.bytes.toString(), readFileSync(path("keys/master.key"), "utf8"), "what the worker reads");
  });

  await test(say("it cannot read or stop the worker's process, where the keys are"), () => {
    for (const name of ["mem", "maps", "environ"]) {
      const result = attempt(web, open(`/proc/${worker}/${name}`, O_RDONLY));
      check(result === EACCES || result === EPERM, `/proc/PID/${name}: ${result}`);
    }
    equal(attempt(web, [NR.vm_read, worker, "v:0:64", 1, `v:${memory}:64`, 1, 0]), EPERM, "process_vm_readv:");
    equal(attempt(web, [NR.ptrace, 16, worker, 0, 0]), EPERM, "ptrace:");
    equal(attempt(web, [NR.kill, worker, 0]), EPERM, "signals:");
    equal(attempt(worker, [NR.vm_read, worker, "v:0:64", 1, `v:${memory}:64`, 1, 0]), 64, "the worker reads itself:");
  });

  await test(say("it cannot run a program"), () => {
    for (const program of ["/bin/sh", join(bin, "windlass")]) equal(attempt(web, [NR.execve, text(program), 0, 0]), EACCES, `${program}:`);
  });

  // --- what it writes into the database it shares ---

  // As its user, with a program of ours: it may write there, and that is the point.
  const sqlAsWeb = (statement) => {
    const groups = [numbers(web, "Gid")[0], ...numbers(web, "Groups")];
    const run = spawnSync("setpriv", [`--reuid=${numbers(web, "Uid")[0]}`, `--regid=${groups[0]}`, `--groups=${groups.join(",")}`, "sqlite3", "-bail", "-cmd", ".timeout 5000", path("db/windlass.db"), statement], { encoding: "utf8" });
    equal(run.status, 0, run.stderr);
  };
  const forge = (user, role) => {
    const token = randomBytes(32).toString("base64url");
    const now = Date.now();
    sqlAsWeb(`INSERT INTO session (id_hash, user_id, role, created_at, expires_at, seen_at, proved_at, ip, agent, mac) VALUES (x'${hashOf(token)}', '${user}', '${role}', ${now}, ${now + 3600000}, ${now}, ${now}, '127.0.0.1', 'me', x'${randomBytes(32).toString("hex")}')`);
    return token;
  };
  // One question from inside the web process.
  const askAsWeb = (question) => {
    const address = Buffer.alloc(110);
    address.writeUInt16LE(1);
    address.write(path("run/ask.sock"), 2);
    const body = Buffer.from(JSON.stringify({ ip: "127.0.0.1", request_id: "test", ...question }));
    const answers = make(web, [NR.socket, 1, 5 | 0o2000000, 0], [NR.connect, "$0", bytes(address), 110], [NR.sendto, "$0", bytes(body), body.length, 0, 0, 0], [NR.recvfrom, "$0", "r:60000", 60000, 0, 0, 0], [NR.close, "$0"]);
    equal(answers[1].result, 0, "connect");
    return JSON.parse(answers[3].bytes.toString());
  };
  const draft = (user, base) => {
    const id = randomBytes(13).toString("hex");
    sqlAsWeb(`BEGIN; INSERT INTO draft (id, environment_id, user_id, base_set, created_at) VALUES ('${id}', '${environment}', '${user}', ${base}, ${Date.now()}); INSERT INTO draft_entry (draft_id, position, key, kind, sealed) VALUES ('${id}', 0, 'TOKEN', 'secret', x'${seal(product, "planted")}'); COMMIT;`);
    return id;
  };
  const sealed = (value) => Buffer.from(seal(product, value), "hex").toString("base64url");
  const newest = () => product.sql("SELECT max(number) AS number FROM secret_set")[0].number;
  const QUESTIONS = {
    "secrets.save": (user) => ({ draft_id: draft(user, newest()), message: "" }),
    "registry.save": () => ({ slug: `r${randomBytes(4).toString("hex")}`, host: "registry.example.org", login: "robot", password: sealed("pa55word") }),
    "server.add": () => ({ slug: `s${randomBytes(4).toString("hex")}`, login: "root", host: "192.0.2.1", port: 22 }),
    ...(HAS_REVEAL ? { "secrets.reveal": () => ({ environment_id: environment, number: 1, key: "TOKEN", purpose: "show", reply_key: sealed(randomBytes(32)) }) } : {}),
  };
  const state = () => JSON.stringify([product.sql("SELECT count(*) AS n FROM secret_set"), product.sql("SELECT count(*) AS n FROM registry"), product.sql("SELECT count(*) AS n FROM server")]);

  await test(say("a session row it writes, with the role admin, asks for nothing"), () => {
    sqlAsWeb(`UPDATE session SET role = 'admin' WHERE id_hash = x'${hashOf(eveToken)}'`);
    const sessions = { "made up for an admin": [forge(ann, "admin"), ann], "made up for a viewer": [forge(eve, "admin"), eve], "a viewer's, raised": [eveToken, eve] };
    const before = state();
    for (const [name, [token, user]] of Object.entries(sessions))
      for (const [verb, fields] of Object.entries(QUESTIONS)) {
        const answer = askAsWeb({ verb, token, ...fields(user) });
        check(answer.ok === false && ["signed-out", "denied"].includes(answer.code), `${verb} with a session ${name}: ${JSON.stringify(answer)}`);
      }
    equal(state(), before, "what there is");
    check(!askAsWeb({ verb: "setup", setup_token: "x", login: "mallory", name: "M", password: sealed("four unrelated words") }).ok, "another first admin");
    // The control: the same questions from the same process with the session of somebody who may.
    for (const [verb, fields] of Object.entries(QUESTIONS)) {
      const answer = askAsWeb({ verb, token: annToken, ...fields(ann) });
      check(answer.ok, `${verb} of an admin: ${JSON.stringify(answer)}`);
    }
    check(state() !== before, "and it is done");
  });

  const job = async (auth) => {
    const id = randomBytes(16).toString("hex").slice(0, 26);
    const file = `dropped-${id}`;
    writeFileSync(path(`artefacts/${file}`), "bytes");
    chmodSync(path(`artefacts/${file}`), 0o660);
    const { uid, gid } = statSync(path("artefacts"));
    chownSync(path(`artefacts/${file}`), uid, gid);
    const proof = typeof auth === "string" ? auth : seal(product, JSON.stringify(auth(id)));
    sqlAsWeb(`INSERT INTO job (id, serial, app_id, kind, lock_class, params, idem, auth, requested_by, nonce, created_at) SELECT '${id}', coalesce(max(serial), 0) + 1, '${app}', 'fetch', 'none', '${JSON.stringify({ version: id.slice(0, 8), file })}', '${id}', x'${proof}', '${ann}', 'nonce', ${Date.now()} FROM job`);
    return await until("the job's verdict", () => product.sql(`SELECT verdict, summary FROM job WHERE id = '${id}' AND state = 'ended'`)[0], 30000);
  };
  await test(say("a job row it writes runs nothing without the proof of somebody who may"), async () => {
    const of = (token) => (id) => ({ token, job: id, kind: "fetch", environment: "" });
    const forged = {
      "a made-up session": of(forge(ann, "admin")),
      "a raised session": of(eveToken),
      "the command line's word": () => ({ command_line: true, proof: "00".repeat(32) }),
      "another job's proof": () => of(annToken)("0".repeat(26)),
      "no proof": "00",
    };
    for (const [name, auth] of Object.entries(forged)) {
      const end = await job(auth);
      equal(end.verdict, "failed", `${name}: ${end.summary}`);
      check(/proven|may not|session/.test(end.summary), `${name}: ${end.summary}`);
    }
    equal(product.sql("SELECT count(*) AS n FROM artefact")[0].n, 0, "artefacts");
    const end = await job(of(annToken)); // the control
    equal(end.verdict, "ok", end.summary);
  });

  await test(say("it cannot give anybody a right: grants are in the vault, and what a session row says counts for nothing"), () => {
    const grant = (pid) => spawnSync("setpriv", [`--reuid=${numbers(pid, "Uid")[0]}`, `--regid=${numbers(pid, "Gid")[0]}`, "--clear-groups", "sqlite3", "-cmd", ".timeout 5000", path("vault/vault.db"), `INSERT INTO access (user_id, role, granted_at, granted_by) VALUES ('${eve}', 'admin', 1, '') ON CONFLICT DO UPDATE SET role = 'admin'`], { encoding: "utf8" });
    const save = () => askAsWeb({ verb: "secrets.save", token: eveToken, ...QUESTIONS["secrets.save"](eve) });
    // Her own, true session again: the worker goes by the grant.
    sqlAsWeb(`UPDATE session SET role = 'viewer' WHERE id_hash = x'${hashOf(eveToken)}'`);
    equal(attempt(web, open(path("vault/vault.db"), O_RDWR)), EACCES, "the vault:");
    if (mode !== "one user") {
      // A program of that user without Landlock: the file's owner is enough.
      const run = grant(web);
      check(run.status !== 0 && /unable to open/.test(run.stderr), run.stderr);
    }
    equal(save().code, "denied", "eve saves a set");
    // The control: the worker's user can give it, and then she may.
    const run = grant(worker);
    equal(run.status, 0, run.stderr);
    const answer = save();
    check(answer.ok, JSON.stringify(answer));
  });

  await test(say("the process that was made to do all this still serves pages"), async () => {
    for (let i = 0; i < 12; i++) equal((await client.get("/")).status, 200);
    check(existsSync(`/proc/${web}`), "it lives");
    const run = spawnSync(join(bin, "windlass"), ["audit", "verify"], { encoding: "utf8", env: { ...process.env, WL_VAR: product.var } });
    equal(run.status, 0, run.stdout);
  });
}

const apart = await startProduct();
if (/own per program/.test(apart.output())) await claims("a user per program", apart);
else await test("a user per program: code as windlass-web", () => ({ skip: `root's programs share a user here: ${apart.output().match(/although root: [^\n]*/)?.[0]}` }));
await apart.stop();

const folder = ordinaryPrograms();
const shared = await startProduct({ programs: folder });
check(/all programs share one user/.test(shared.output()), shared.output());
if (/Landlock \(ABI [6-9]/.test(shared.output())) await claims("one user", shared);
else await test("one user: code as windlass-web", () => ({ skip: "this kernel's Landlock is older than version 6, so one user's programs are not kept apart by it entirely" }));
await shared.stop();
rmSync(folder, { recursive: true });
await done();
