#!/usr/bin/env node
// `windlass up` refuses what cannot work before it makes a file: one line, with the fix, and the right exit status.
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, check, done, equal, freePort, scratch, startProduct, test } from "../lib/product.mjs";

const folder = scratch("refusals");
const up = (args, { env = {}, as } = {}) => {
  const command = [join(bin, "windlass"), "up", ...args];
  const all = as ? ["setpriv", `--reuid=${as}`, `--regid=${as}`, "--clear-groups", ...command] : command;
  const run = spawnSync(all[0], all.slice(1), { encoding: "utf8", env: { ...process.env, ...env }, timeout: 30000 });
  return { status: run.status, text: run.stderr, lines: run.stderr.trim().split("\n").length };
};

await test("a taken port is one clear line, and no folder is made", async () => {
  const port = await freePort();
  const server = createServer().listen(port, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const run = up(["--var", join(folder, "taken"), "--port", String(port)]);
  server.close();
  equal(run.status, 5, run.text);
  equal(run.lines, 1, run.text);
  check(run.text.includes(`port ${port} of 127.0.0.1 is taken`) && run.text.includes("PORT="), run.text);
  check(!existsSync(join(folder, "taken")), "nothing was made");
});

await test("a data folder that is in use is one clear line with the process' number", async () => {
  const product = await startProduct();
  const run = up(["--var", product.var, "--port", String(await freePort())]);
  equal(run.status, 5, run.text);
  check(run.text.includes(`process ${product.pid}`), run.text);
  equal((await fetch(`${product.url}/healthz`)).ok, true, "the first one is not disturbed");
  await product.stop();
});

const path = join(folder, "x".repeat(120));
for (const [what, args, words, prepare] of [
  ["a path too long for sockets", ["--var", path], "sockets allow"],
  ["a path nginx cannot hold", ["--var", join(folder, "a$b")], "nginx's configuration cannot hold"],
  ["a file instead of a folder", ["--var", join(folder, "file")], "is a file", () => writeFileSync(join(folder, "file"), "x")],
  ["somebody's folder", ["--var", join(folder, "full")], "is not empty", () => (mkdirSync(join(folder, "full")), writeFileSync(join(folder, "full/thesis"), "x"))],
  ["a port that is none", ["--var", join(folder, "p"), "--port", "http"], "number from 1 to 65535"],
  ["an address that is not ours", ["--var", join(folder, "p"), "--listen", "192.0.2.1"], "not an address of this machine"],
  ["an address that is none", ["--var", join(folder, "p"), "--listen", "everywhere"], "--listen takes an IP address"],
  ["an origin with a slash at its end", ["--var", join(folder, "p"), "--origin", "https://x/"], "without a slash"],
  ["an unknown option", ["--var", join(folder, "p"), "--prot", "1"], "--prot is not an option"],
]) {
  await test(`${what} is refused`, async () => {
    prepare?.();
    const run = up(args.includes("--port") ? args : [...args, "--port", String(await freePort())]);
    equal(run.status, 2, run.text);
    equal(run.lines, 1, run.text);
    check(run.text.includes(words), run.text);
    check(!existsSync(join(folder, "p")) && !existsSync(path), "nothing was made");
  });
}

await test("no nginx is said in words", async () => {
  const run = up(["--var", join(folder, "n"), "--port", String(await freePort())], { env: { WL_NGINX: "/nonexistent" } });
  equal(run.status, 1);
  check(run.text.includes("nginx is not installed"), run.text);
});

await test("another user's folder, and a port of root's, are refused to an ordinary user", async () => {
  if (process.getuid() !== 0) return { skip: "needs root to become another user" };
  mkdirSync(join(folder, "roots"));
  const run = up(["--var", join(folder, "roots"), "--port", String(await freePort())], { as: 65534 });
  equal(run.status, 4, run.text);
  check(run.text.includes("belongs to another user"), run.text);
});

await test("a program that cannot start ends the whole, with its last words", async () => {
  mkdirSync(join(folder, "broken/db"), { recursive: true });
  writeFileSync(join(folder, "broken/.windlass"), "");
  writeFileSync(join(folder, "broken/db/windlass.db"), "This is not a database, although it is long enough to be looked at as one.\n".repeat(20));
  const run = up(["--var", join(folder, "broken"), "--port", String(await freePort())]);
  equal(run.status, 1, run.text);
  check(/ended while starting/.test(run.text) && run.text.includes("  | "), run.text);
});

rmSync(folder, { recursive: true, force: true });
await done();
