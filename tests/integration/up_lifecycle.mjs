#!/usr/bin/env node
// `windlass up`: what it starts, who may read what, what happens when a program is killed, and that nothing stays behind.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { bin, check, cleanUp, descendants, done, equal, faultsIn, freePort, logOf, processes, sleep, startProduct, test, until } from "../lib/product.mjs";

const isRoot = process.getuid() === 0;
const mode = (path) => (statSync(path).mode & 0o7777).toString(8);
const uidOf = (pid) => Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/^Uid:\s+\d+\s+(\d+)/m)[1]);
// Whether a program run as this user and group can read the file.
const canRead = (path, uid, gid) => spawnSync("setpriv", [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "cat", path]).status === 0;

let product;

// Started by root, programs that share a user are a fault, unless the start line says what of this machine is in the way.
function whyShared() {
  if (!isRoot) return "needs root";
  return product.output().match(/other users cannot reach the programs[^\n]*|this container does not let root become another user/)?.[0];
}

await test("the start says where to go, how to set up, what is isolated, how to stop", async () => {
  product = await startProduct();
  const text = product.output();
  for (const word of ["Open ", "Set up ", "Isolation ", "Data ", "Stop "]) check(text.includes(word), `no ${word} in ${text}`);
  check(text.includes(product.var), "the data folder is named");
  equal(readFileSync(join(product.var, "run/setup-url"), "utf8").trim(), product.setupUrl, "set-up file");
  equal(mode(join(product.var, "run/setup-url")), "600", "mode of the set-up file");
});

await test("the data folder is closed to others", async () => {
  equal(mode(product.var), isRoot && /own per program/.test(product.output()) ? "711" : "700", "data folder");
  equal(mode(join(product.var, "vault")), "700", "vault");
  equal(mode(join(product.var, "keys")), "700", "keys");
  equal(mode(join(product.var, "keys/master.key")), "400", "master key");
});

await test("each program has a user of its own; the vault is the worker's, the database is shared", async () => {
  const skip = whyShared();
  if (skip) return { skip };
  check(/own per program/.test(product.output()), `root's programs have users of their own: ${product.output()}`);
  const [web] = product.pidsOf("windlass-web");
  const [worker] = product.pidsOf("windlass-worker");
  const [stream] = product.pidsOf("windlass-stream");
  const uids = [web, worker, stream].map(uidOf);
  equal(new Set([...uids, 0]).size, 4, `three users, none of them root: ${uids}`);
  const group = statSync(join(product.var, "db/windlass.db")).gid;
  for (const name of readdirSync(join(product.var, "db")).filter((n) => /^windlass\.db/.test(n))) {
    equal(mode(join(product.var, "db", name)), "660", name);
    equal(statSync(join(product.var, "db", name)).gid, group, `group of ${name}`);
  }
  check(canRead(join(product.var, "db/windlass.db"), uidOf(web), group), "web reads the shared database");
  for (const secret of ["vault/vault.db", "keys/master.key", "run/setup-url"]) {
    check(!canRead(join(product.var, secret), uidOf(web), group), `web cannot read ${secret}`);
    check(!canRead(join(product.var, secret), uidOf(stream), group), `stream cannot read ${secret}`);
  }
  const nginx = processes().find((p) => p.command.join(" ").includes(join(product.var, "run/nginx/nginx.conf")));
  check(!canRead(join(product.var, "db/windlass.db"), uidOf(nginx.pid), uidOf(nginx.pid)), "nginx cannot read the database");
});

await test("another user, while no writer holds the database open, reads it all the same", async () => {
  const skip = whyShared();
  if (skip) return { skip };
  check(/own per program/.test(product.output()), `root's programs have users of their own: ${product.output()}`);
  const [worker] = product.pidsOf("windlass-worker");
  product.kill(worker);
  equal((await fetch(`${product.url}/login`)).status, 200, "a page while the worker is away");
  await until("the worker", () => product.pidsOf("windlass-worker")[0] && product.pidsOf("windlass-worker")[0] !== worker);
});

await test("nginx is only our own process, with all its files in the data folder", async () => {
  const ours = descendants(product.pid).filter((p) => p.command[0]?.startsWith("nginx:"));
  check(ours.length >= 2, "a master and workers");
  const text = readFileSync(join(product.var, "run/nginx/nginx.conf"), "utf8");
  for (const [, path] of text.matchAll(/(?:pid|lock_file|_temp_path) "([^"]+)"/g)) check(path.startsWith(product.var), path);
  check(!text.includes("/etc/nginx") && !text.includes("/var/log"), "no path of the machine's nginx");
});

for (const program of ["windlass-web", "windlass-stream", "windlass-worker", "nginx:"]) {
  await test(`kill -9 of ${program} is mended`, async () => {
    const find = () => descendants(product.pid).filter((p) => p.command[0]?.split("/").pop() === program || p.command[0]?.startsWith(`${program} master`)).map((p) => p.pid);
    const before = find().filter((pid) => processes().find((p) => p.pid === pid)?.parent === product.pid);
    check(before.length === 1, `one ${program} below the supervisor: ${before}`);
    product.kill(before[0]);
    await until(`a new ${program}`, () => find().some((pid) => !before.includes(pid)), 15000);
    await until("a page", async () => (await fetch(`${product.url}/login`)).status === 200, 15000);
    check(/ended \(signal 9/.test(product.output()), "the supervisor says what happened");
    await sleep(300);
  });
}

await test("two kills of nginx in a row leave one master", async () => {
  const masters = () => descendants(product.pid).filter((p) => p.command[0]?.startsWith("nginx: master"));
  for (let i = 0; i < 2; i++) {
    const [master] = masters();
    product.kill(master.pid);
    await until("another master", () => masters().some((p) => p.pid !== master.pid), 15000);
  }
  await until("a page", async () => (await fetch(`${product.url}/login`)).status === 200, 15000);
  equal(masters().length, 1, "masters");
});

await test("while the pages are away nginx says so in words, and asks a reader to try again", async () => {
  const [web] = product.pidsOf("windlass-web").filter((pid) => processes().find((p) => p.pid === pid)?.parent === product.pid);
  product.kill(web); // the supervisor takes its children along and waits a moment before the next
  const answer = await fetch(`${product.url}/apps`, { redirect: "manual" });
  if (answer.status >= 500) {
    check((await answer.text()).includes("One moment"), "words");
    equal(answer.headers.get("refresh"), "5", "Refresh");
  }
  await until("a page", async () => (await fetch(`${product.url}/login`)).status === 200, 15000);
});

await test("a form over 4 MB is refused in words, before any program sees it", async () => {
  const answer = await fetch(`${product.url}/login`, { method: "POST", body: Buffer.alloc(5 * 1024 * 1024) });
  equal(answer.status, 413);
  check((await answer.text()).includes("too large"), "words");
});

await test("internal files cannot be asked for, static ones are kept for good", async () => {
  equal((await fetch(`${product.url}/_logs/x.log`)).status, 404);
  equal((await fetch(`${product.url}/_backups/../db/windlass.db`)).status, 404);
  const page = await (await fetch(`${product.url}/login`)).text();
  const style = page.match(/\/static\/[0-9A-Za-z]+\/app\.css/)[0];
  const answer = await fetch(`${product.url}${style}`, { headers: { "accept-encoding": "gzip" } });
  equal(answer.status, 200);
  check(/immutable/.test(answer.headers.get("cache-control")), "immutable");
  equal(answer.headers.get("content-encoding"), "gzip");
  equal(answer.headers.get("x-content-type-options"), "nosniff");
  equal(answer.headers.get("server"), "nginx", "no version");
  check((await fetch(`${product.url}/static/abcdef0/..%2f..%2fREADME.md`)).status >= 400, "no way out of static");
});

await test("SIGTERM ends everything within 15 s, and the exit status is 0", async () => {
  const began = Date.now();
  await product.stop();
  check(Date.now() - began < 15500, `took ${Date.now() - began} ms`);
  equal(product.leftovers.length, 0, `left: ${product.leftovers.map((p) => p.command.join(" "))}`);
  check(product.output().includes("nothing is left running"), product.output().slice(-300));
});

await test("kill -9 of the supervisor leaves nothing either", async () => {
  const second = await startProduct();
  const family = descendants(second.pid);
  process.kill(second.pid, "SIGKILL");
  await until("an empty family", () => family.every((p) => !processes().some((q) => q.pid === p.pid && q.state !== "Z" && q.command.join() === p.command.join())), 20000);
  await second.stop();
});

await test("a program that ignores TERM, in a session of its own, is ended by nest", async () => {
  const mark = `10${process.pid}`;
  const run = spawnSync(join(bin, "windlass"), ["nest", "--", "/bin/sh", "-c", `setsid sh -c 'trap "" TERM; sleep ${mark} & sleep ${mark}; sleep ${mark}' & sleep 0.3; exit 7`]);
  equal(run.status, 7, "the program's own status");
  check(!processes().some((p) => p.command.includes(mark)), "sleepers");
});

await test("the data folder's path may have spaces", async () => {
  const folder = execFileSync("mktemp", ["-d", "/tmp/wl up XXXXXX"], { encoding: "utf8" }).trim();
  spawnSync("chmod", ["755", folder]);
  const port = await freePort();
  const child = spawn(join(bin, "windlass"), ["up", "--var", join(folder, "a b"), "--port", String(port)], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (bytes) => (said += bytes));
  await until("a page", async () => (await fetch(`http://127.0.0.1:${port}/login`)).status === 200, 30000);
  const page = await (await fetch(`http://127.0.0.1:${port}/login`)).text();
  equal((await fetch(`http://127.0.0.1:${port}${page.match(/\/static\/[0-9A-Za-z]+\/app\.css/)[0]}`)).status, 200, "style");
  child.kill("SIGTERM");
  await until("its end", () => child.exitCode !== null, 16000);
  equal(child.exitCode, 0);
  equal(faultsIn(said + logOf(join(folder, "a b"))).join("\n"), "", "faults");
  execFileSync("rm", ["-rf", folder]);
});

await cleanUp();
await done();
