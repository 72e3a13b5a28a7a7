#!/usr/bin/env node
// The `windlass` command: manners, people, set-up address, lists, and whether the history is whole.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Client, bin, check, done, equal, scratch, startProduct, test } from "../lib/product.mjs";
import { setUp } from "../lib/flow.mjs";

const product = await startProduct();
const windlass = (args, { input, env = {} } = {}) => {
  const run = spawnSync(join(bin, "windlass"), args, { encoding: "utf8", input, env: { ...process.env, WL_VAR: product.var, ...env } });
  return { status: run.status, out: run.stdout, error: run.stderr };
};

await test("--help goes to standard output with status 0, a wrong word to standard error with 2", async () => {
  for (const args of [["--help"], ["up", "--help"], ["audit", "verify", "--help"]]) {
    const run = windlass(args);
    equal(run.status, 0, args.join(" "));
    check(run.out.startsWith("windlass") || run.out.startsWith("Usage"), run.out);
    equal(run.error, "");
  }
  for (const args of [[], ["deploi"], ["audit"], ["audit", "verify", "--jsno"], ["version", "x"], ["job", "list", "--limit", "many"]]) {
    const run = windlass(args);
    equal(run.status, 2, args.join(" "));
    equal(run.out, "");
    check(run.error.length > 0, "says why");
  }
  equal(windlass(["version"]).out.startsWith("windlass "), true);
});

await test("a folder without a dashboard is said so, with the fix", async () => {
  const run = windlass(["audit", "verify", "--var", "/nonexistent"]);
  equal(run.status, 1);
  check(run.error.includes("There is no dashboard in /nonexistent") && run.error.includes("Fix:"), run.error);
});

await test("a new set-up address ends the one before it", async () => {
  const run = windlass(["setup-url"]);
  equal(run.status, 0, run.error);
  const url = run.out.trim();
  check(url.startsWith(`${product.url}/setup/`) && url !== product.setupUrl, url);
  const client = new Client(product.url);
  const old = await client.submit(new URL(product.setupUrl).pathname, { name: "Mallory", login: "mallory", password: "a horse, a battery and a staple" });
  equal(old.status, 404, "the old one");
  product.setupUrl = url;
  equal(readFileSync(join(product.var, "run/setup-url"), "utf8").trim(), url);
});

let admin;
await test("with an admin there is no set-up address any more", async () => {
  admin = await setUp(product);
  const run = windlass(["setup-url"]);
  equal(run.status, 5, run.error);
  check(run.error.includes("There is an admin already"), run.error);
});

const SIGN_IN = async (login, password) => {
  const client = new Client(product.url);
  const answer = await client.submit("/login", { login, password }, { action: "/login" });
  return { client, in: !answer.url.startsWith("/login") && answer.status === 200 };
};

await test("user add: the password comes on standard input, and the person can sign in", async () => {
  equal(windlass(["user", "add", "tom", "--name", "Tom Okafor", "--role", "deployer"], { input: "a very long secret\n" }).status, 0);
  equal((await SIGN_IN("tom", "a very long secret")).in, true);
  const list = JSON.parse(windlass(["user", "list", "--json"]).out);
  equal(list.find((u) => u.login === "tom").role, "deployer");
  equal(list.find((u) => u.login === "ann").role, "admin");
  const taken = windlass(["user", "add", "tom"], { input: "a very long secret\n" });
  equal(taken.status, 5, taken.error);
});

await test("user add refuses short passwords, odd logins and unknown roles, naming them", async () => {
  for (const [args, input, words] of [
    [["user", "add", "zoe"], "short\n", "password"],
    [["user", "add", "zoe"], "", "standard input"],
    [["user", "add", "Zoe; rm"], "a very long secret\n", "login"],
    [["user", "add", "zoe", "--role", "king"], "a very long secret\n", "--role"],
  ]) {
    const run = windlass(args, { input });
    equal(run.status, 2, args.join(" "));
    check(run.error.toLowerCase().includes(words), run.error);
  }
  equal(JSON.parse(windlass(["user", "list", "--json"]).out).some((u) => u.login === "zoe"), false);
});

await test("reset-password: the new one works, the old one does not, open sessions end", async () => {
  const { client } = await SIGN_IN("tom", "a very long secret");
  const run = windlass(["user", "reset-password", "tom"], { input: "another long secret\n" });
  equal(run.status, 0, run.error);
  equal((await client.get("/")).url.startsWith("/login"), true, "the old session");
  equal((await SIGN_IN("tom", "a very long secret")).in, false, "the old password");
  equal((await SIGN_IN("tom", "another long secret")).in, true, "the new password");
  equal(windlass(["user", "reset-password", "nobody-here"], { input: "another long secret\n" }).status, 1);
  equal((await admin.get("/")).status, 200, "other people stay signed in");
});

await test("lists print as tables and as JSON", async () => {
  check(windlass(["server", "list"]).out.startsWith("SERVER"), "servers");
  equal(Array.isArray(JSON.parse(windlass(["job", "list", "--json"]).out)), true);
});

await test("audit verify: the history is whole, and shows what the command line did", async () => {
  const run = windlass(["audit", "verify"]);
  equal(run.status, 0, run.out + run.error);
  check(/The history is whole: \d+ events/.test(run.out), run.out);
  const rows = product.sql("SELECT verb, actor_kind FROM audit_event");
  for (const verb of ["user.add", "user.password_reset"]) check(rows.some((r) => r.verb === verb && r.actor_kind === "command_line"), verb);
});

await test("audit verify names the first bad event of a tampered copy", async () => {
  const folder = scratch("tampered");
  const copies = [
    ["changed", "UPDATE audit_event SET actor_name = 'mallory' WHERE seq = 3", 3],
    ["removed", "DELETE FROM audit_event WHERE seq = 2", 2],
    ["moved", "UPDATE audit_event SET seq = -1 WHERE seq = 2; UPDATE audit_event SET seq = 2 WHERE seq = 3; UPDATE audit_event SET seq = 3 WHERE seq = -1", 2],
    ["cut", "DELETE FROM audit_event WHERE seq > 2", 3],
  ];
  for (const [what, sql, bad] of copies) {
    const copy = join(folder, what);
    cpSync(join(product.var, "db"), join(copy, "db"), { recursive: true });
    execFileSync("sqlite3", [join(copy, "db/windlass.db"), `DROP TRIGGER audit_event_is_append_only_update; DROP TRIGGER audit_event_is_append_only_delete; ${sql};`]);
    const run = windlass(["audit", "verify", "--json"], { env: { WL_VAR: copy } });
    equal(run.status, 1, `${what}: ${run.out}${run.error}`);
    const report = JSON.parse(run.out);
    equal(report.ok, false, what);
    equal(report.first_bad, bad, `${what}: ${report.why}`);
    const words = windlass(["audit", "verify"], { env: { WL_VAR: copy } });
    check(words.out.includes(`First bad event: ${bad}.`), words.out);
  }
  rmSync(folder, { recursive: true, force: true });
});

await test("after the stop the set-up file is gone and the history can still be verified", async () => {
  const folder = scratch("stopped");
  cpSync(join(product.var, "db"), join(folder, "db"), { recursive: true });
  equal(windlass(["audit", "verify"], { env: { WL_VAR: folder } }).status, 0);
  rmSync(folder, { recursive: true, force: true });
  await product.stop();
  check(!existsSync(join(product.var, "run/setup-url")), "set-up file");
});

await done();
