#!/usr/bin/env node
// `windlass token ...` and `windlass secrets pull|push|diff|set` against the whole product, as a script on another machine uses them: what is
// saved comes back byte for byte, who was faster loses nothing, a token that may not is told so, and no value is anywhere it should not be.
import { spawn, spawnSync } from "node:child_process";
import { createServer, request as httpRequest } from "node:http";
import { readFileSync, readdirSync, statSync, writeFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { bin, check, done, endAtExit, equal, logOf, scratch, sleep, startProduct, test } from "../lib/product.mjs";
import { createEnvironment, helloSettings, setUp } from "../lib/flow.mjs";

const product = await startProduct();
const folder = scratch("secrets-cli");
const file = (name, text, mode = 0o600) => {
  writeFileSync(join(folder, name), text, { mode });
  return join(folder, name);
};
const run = (args, { input, env = {} } = {}) => {
  const ended = spawnSync(join(bin, "windlass"), args, { input: input ?? "", env: { PATH: process.env.PATH, WL_VAR: product.var, ...env } });
  return { status: ended.status, out: ended.stdout.toString(), error: ended.stderr.toString(), bytes: ended.stdout };
};
const PLACE = "shop/production";
const CANARY = "canary-7f3a-value";
const AWKWARD = `spaces at end  $HOME \${X:-y} 'single' "double" \`id\` back\\slash # no comment \u00e9 ${CANARY}`;
const PEM = `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`;

const admin = await setUp(product);
await admin.submit("/apps/new", { slug: "shop", name: "Shop", note: "" });
for (const slug of ["production", "staging"]) await createEnvironment(admin, { app: "shop", slug, tier: slug, servers: [], settings: helloSettings(`shop-${slug}`, "8001") });

const tokens = {};
function token(name, scopes, ...more) {
  const made = run(["token", "add", "--user", "ann", "--scope", scopes, ...more, name]);
  equal(made.status, 0, made.error);
  check(/^wl_[A-Za-z0-9_-]{43}\n$/.test(made.out), "the token alone is on standard output");
  tokens[name] = made.out.trim();
  check(!made.error.includes(tokens[name]), "and nowhere else");
  return file(`${name}.token`, made.out);
}
let ci;
const secrets = (args, { as = ci, url = product.url, input } = {}) => run(["secrets", args[0], "--url", url, "--token-file", as, ...args.slice(1)], { input });
const api = (path, { method = "GET", as = "ci", headers = {}, body } = {}) =>
  fetch(`${product.url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${tokens[as]}`, ...(body ? { "content-type": "application/json" } : {}), ...headers }, body: body && JSON.stringify(body) });
const SECRETS = `/apps/${PLACE}/secrets`;
const setNumber = () => product.sql("SELECT coalesce(max(number), 0) AS n FROM secret_set s JOIN environment e ON e.id = s.environment_id WHERE e.slug = 'production'")[0].n;

await test("token add prints the token once; list shows what it is for and never the token", () => {
  ci = token("ci", "secrets:read,secrets:write", "--env", PLACE);
  const listed = run(["token", "list", "--json"]);
  const [row] = JSON.parse(listed.out);
  equal(row.name, "ci");
  equal(row.scopes, "secrets:read,secrets:write");
  equal(row.where, PLACE);
  check(!listed.out.includes(tokens.ci) && run(["token", "list"]).out.includes("ci"), listed.out);
  for (const [args, words] of [[["--scope", "read", "x"], "--user"], [["--user", "ann", "x"], "--scope"], [["--user", "ann", "--scope", "all", "x"], "secrets:write"], [["--user", "ann", "--scope", "read", "--days", "0", "x"], "days"], [["--user", "ann", "--scope", "read", "--env", "shop/none", "x"], "app/environment"], [["--user", "ann", "--scope", "read", "--env", PLACE, "--env", "shop/staging", "x"], "commas"]]) {
    const refused = run(["token", "add", ...args]);
    equal(refused.status, 2, args.join(" "));
    check(refused.out === "" && refused.error.includes(words), refused.error);
  }
  equal(run(["token", "add", "--user", "ann", "--scope", "read", "ci"]).status, 5, "the name is taken");
});

await test("push saves a .env as the next set, and pull gives it back", () => {
  const env = file("first.env", `# for the mailer\nMAIL_HOST=mail.example\nDB_PASSWORD='${CANARY}-db'\n`);
  const pushed = secrets(["push", "--yes", "--message", "first", PLACE, env]);
  equal(pushed.status, 0, pushed.error);
  equal(setNumber(), 1);
  check(pushed.error.includes("+ MAIL_HOST") && pushed.error.includes("2 added"), pushed.error);
  check(!(pushed.out + pushed.error).includes(CANARY), "no value is shown");
  const pulled = secrets(["pull", PLACE]);
  equal(pulled.status, 0, pulled.error);
  check(pulled.out.includes("# for the mailer\n") && pulled.out.includes(`${CANARY}-db`), "comments and values are there");
  const again = secrets(["push", "--yes", PLACE, file("again.env", pulled.out)]);
  equal(again.status, 0, again.error);
  check(again.out.includes("Nothing to save"), again.out);
  equal(setNumber(), 1, "no new set");
});

await test("set takes a value from standard input or a file, byte for byte", () => {
  equal(secrets(["set", PLACE, "AWKWARD"], { input: `${AWKWARD}\n` }).status, 0);
  equal(secrets(["set", "--file", file("key.pem", PEM), "--kind", "write_only", PLACE, "PEM"]).status, 0);
  equal(secrets(["set", "--kind", "plain", PLACE, "PORT"], { input: "8080" }).status, 0);
  const out = join(folder, "out.env");
  equal(secrets(["pull", "-o", out, PLACE]).status, 0);
  equal(statSync(out).mode & 0o777, 0o600);
  const text = readFileSync(out, "utf8");
  check(!text.includes("BEGIN PRIVATE"), "a write-only value never comes back");
  check(/^#- PEM: write-only/m.test(text), "but is named");
  // The same file again changes nothing: every byte came back.
  check(secrets(["push", "--yes", PLACE, out]).out.includes("Nothing to save"), "round trip");
  equal(secrets(["diff", "--replace", PLACE, out]).status, 0, "and replacing would too: write-only ones stay");
  const stored = JSON.parse(secrets(["pull", "--json", PLACE]).out);
  equal(stored.entries.find((e) => e.key === "PORT").value, "8080");
  equal(stored.entries.find((e) => e.key === "AWKWARD").size_bytes, Buffer.byteLength(AWKWARD));
  check(!JSON.stringify(stored).includes(CANARY), "JSON has no hidden value");
});

await test("a value or a token on the command line is refused, and nothing is sent", () => {
  const before = setNumber();
  for (const args of [["set", PLACE, "PORT", "9090"], ["set", PLACE, "PORT=9090"]]) {
    const refused = secrets(args);
    equal(refused.status, 2, args.join(" "));
    check(refused.error.includes("standard input") && !refused.error.includes("9090"), refused.error);
  }
  const refused = run(["secrets", "pull", "--url", product.url, "--token-file", tokens.ci, PLACE]);
  equal(refused.status, 2);
  check(refused.error.includes("everybody on this machine") && !refused.error.includes(tokens.ci), refused.error);
  equal(setNumber(), before);
});

await test("the token comes from a file, the environment or standard input; and only to https or loopback", () => {
  const env = { WINDLASS_URL: product.url, WINDLASS_TOKEN_FILE: ci };
  equal(run(["secrets", "pull", PLACE], { env }).status, 0);
  equal(run(["secrets", "pull", "--token-file", "-", PLACE], { env, input: `${tokens.ci}\n` }).status, 0);
  equal(run(["secrets", "pull", PLACE]).status, 2, "no address");
  equal(run(["secrets", "pull", PLACE], { env: { WINDLASS_URL: product.url } }).status, 2, "no token");
  equal(run(["secrets", "set", "--token-file", "-", PLACE, "PORT"], { env, input: tokens.ci }).status, 2, "one standard input for two things");
  for (const url of ["http://deploy.example.org", "deploy.example.org", "https://a/b", "ftp://a"]) equal(run(["secrets", "pull", "--url", url, PLACE], { env }).status, 2, url);
  const open = file("open.token", tokens.ci, 0o644);
  check(run(["secrets", "pull", "--token-file", open, PLACE], { env }).error.includes("chmod 600"), "a file that others can read is named");
});

await test("diff tells by its exit status, by key, and stores nothing", () => {
  const before = setNumber();
  const drafts = () => product.sql("SELECT count(*) AS n FROM draft")[0].n;
  const env = file("diff.env", `PORT=8081\nNEW_KEY=${CANARY}-new\n`);
  const shown = secrets(["diff", PLACE, env]);
  equal(shown.status, 1, shown.error);
  check(shown.out.includes("+ NEW_KEY") && shown.out.includes("~ PORT") && !shown.out.includes("- "), shown.out);
  const replaced = secrets(["diff", "--replace", PLACE, env]);
  check(replaced.out.includes("- DB_PASSWORD") && !replaced.out.includes("- PEM"), replaced.out);
  check(!(shown.out + shown.error + replaced.out).includes(CANARY), "no value");
  equal(secrets(["diff", PLACE, file("same.env", "PORT=8080\n")]).status, 0);
  equal(secrets(["diff", PLACE, join(folder, "missing.env")]).status, 2);
  equal(secrets(["diff", PLACE, file("bad.env", "PORT='8080\n")]).status, 2);
  equal(setNumber(), before);
  equal(drafts(), 0, "drafts left");
});

await test("push asks, and without a terminal wants --yes", () => {
  const before = setNumber();
  const refused = secrets(["push", PLACE, file("ask.env", "PORT=1\n")]);
  equal(refused.status, 2);
  check(refused.error.includes("--yes"), refused.error);
  equal(secrets(["push", PLACE, "-"], { input: "PORT=1\n" }).status, 2);
  equal(setNumber(), before);
  equal(secrets(["push", "--yes", "--kind", "plain", PLACE, "-"], { input: "PORT=8082\nHOST=here\n" }).status, 0);
  equal(setNumber(), before + 1);
  equal(JSON.parse(secrets(["pull", "--json", PLACE]).out).entries.find((e) => e.key === "HOST").kind, "plain");
});

await test("on a terminal push shows what would change, and saves it only after a yes", () => {
  const before = setNumber();
  const onTerminal = (typed) => {
    const words = [join(bin, "windlass"), "secrets", "push", "--url", product.url, "--token-file", ci, PLACE, file("typed.env", "PORT=8083\n")];
    const ended = spawnSync("script", ["-qefc", words.map((word) => `'${word}'`).join(" "), "/dev/null"], { input: typed, encoding: "utf8", timeout: 20000 });
    check(ended.stdout.includes("~ PORT") && ended.stdout.includes("[y/N]"), ended.stdout);
    return ended.status;
  };
  equal(onTerminal("n\n"), 1);
  equal(onTerminal("\n"), 1);
  equal(setNumber(), before);
  equal(onTerminal("y\n"), 0);
  equal(setNumber(), before + 1);
});

await test("mistakes in the file are told with line and column, without the value", () => {
  const bad = secrets(["push", "--yes", PLACE, file("wrong.env", `A=1\nB="${CANARY}\n`)]);
  equal(bad.status, 2);
  check(/line 2, column \d+/.test(bad.error) && !bad.error.includes(CANARY), bad.error);
});

// --- the API itself -------------------------------------------------------------------------------------------------------------------------

await test("GET has an ETag; a change without it is 428, with an old one 412, and says who saved what", async () => {
  const shown = await api(SECRETS);
  equal(shown.status, 200);
  const etag = shown.headers.get("etag");
  equal(etag, `"s${setNumber()}"`);
  const body = { message: "mine", entries: [{ key: "PORT", value: "1" }] };
  equal((await api(SECRETS, { method: "PATCH", body })).status, 428);
  const tried = await api(`${SECRETS}?dry_run=1`, { method: "PATCH", body, headers: { "if-match": etag } });
  const trial = await tried.json();
  equal(tried.status, 200);
  equal(`${trial.stored} ${trial.changed} ${trial.added}`, "false PORT ");
  const saved = await api(SECRETS, { method: "PATCH", body, headers: { "if-match": etag } });
  equal(saved.status, 200);
  equal((await saved.json()).stored, true);
  const before = setNumber();
  equal(saved.headers.get("etag"), `"s${before}"`);
  for (const method of ["PATCH", "PUT"]) {
    const stale = await api(SECRETS, { method, body: { entries: [{ key: "PORT", value: "2" }] }, headers: { "if-match": etag } });
    equal(stale.status, 412);
    equal(stale.headers.get("content-type"), "application/problem+json");
    const problem = await stale.json();
    equal(problem.current.number, before);
    equal(problem.current.message, "mine");
    check(problem.detail.includes("Ann Weaver"), problem.detail);
  }
  equal(setNumber(), before, "nothing was saved");
});

await test("PUT replaces the whole set, PATCH changes and removes; what is wrong is said by key", async () => {
  const change = async (method, body, status = 200) => {
    const etag = (await api(SECRETS)).headers.get("etag");
    const answer = await api(SECRETS, { method, body, headers: { "if-match": etag } });
    const text = await answer.text();
    equal(answer.status, status, `${method} ${JSON.stringify(body)}: ${text}`);
    return JSON.parse(text);
  };
  const patched = await change("PATCH", { entries: [{ key: "PORT", comment: "where it listens" }], remove: ["HOST"] });
  equal(`${patched.changed} ${patched.removed}`, "PORT HOST");
  equal((await (await api(SECRETS)).json()).entries.find((e) => e.key === "PORT").comment, "where it listens");
  for (const [body, words] of [
    [{ entries: [{ value: "x" }] }, "key"],
    [{ entries: [{ key: "1BAD", value: "x" }] }, "key"],
    [{ entries: [{ key: "NEW" }] }, "NEW"],
    [{ entries: [{ key: "PORT", value: 5 }] }, "PORT"],
    [{ entries: [{ key: "PORT", value: "x", keep: true }] }, "PORT"],
    [{ entries: [{ key: "PORT", value: "x", kind: "loud" }] }, "plain"],
    [{ entries: "no" }, "entries"],
    [{ remove: ["NOT_THERE"] }, "names"],
  ])
    check((await change("PATCH", body, 422)).detail.includes(words), words);
  // A hidden value does not become a readable one without being typed.
  await change("PATCH", { entries: [{ key: "DB_PASSWORD", kind: "plain" }] }, 422);
  const put = await change("PUT", { entries: [{ key: "PORT", value: "8080" }, { key: "DB_PASSWORD", keep: true }, { key: "PEM", keep: true }, { key: "AWKWARD", keep: true }] });
  equal(put.removed.join(" "), "MAIL_HOST");
  const etag = (await api(SECRETS)).headers.get("etag");
  const send = (headers, body) => fetch(`${product.url}/api/v1${SECRETS}`, { method: "PATCH", headers: { authorization: `Bearer ${tokens.ci}`, "if-match": etag, ...headers }, body });
  equal((await send({ "content-type": "application/x-www-form-urlencoded" }, "a=b")).status, 415);
  equal((await send({ "content-type": "application/json" }, "[1]")).status, 400);
  equal((await send({ "content-type": "application/json" }, '{"message":"a","message":"b"}')).status, 400);
});

await test("no cookie beside a token, no token outside /api/v1, no route that is not marked", async () => {
  const cookie = [...admin.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  equal((await api(SECRETS, { headers: { cookie } })).status, 400);
  equal((await fetch(`${product.url}/apps`, { headers: { authorization: `Bearer ${tokens.ci}` } })).status, 400);
  equal((await api("/audit")).status, 403);
  equal((await api("/profile")).status, 403);
  const nobody = await fetch(`${product.url}/api/v1${SECRETS}`);
  equal(nobody.status, 401);
  check(nobody.headers.get("www-authenticate")?.startsWith("Bearer"), "challenge");
  equal((await fetch(`${product.url}/api/v1${SECRETS}`, { method: "PUT", headers: { cookie, "content-type": "application/json" }, body: "{}" })).status, 401, "a session cannot PUT");
});

// --- who may -----------------------------------------------------------------------------------------------------------------------------

await test("a token does what its scopes say, where they say, and the refusal names what is missing", () => {
  const before = setNumber();
  const reader = token("reader", "secrets:read");
  const writer = token("writer", "secrets:write");
  const viewer = token("viewer", "read");
  equal(secrets(["pull", PLACE], { as: reader }).status, 0);
  const refused = secrets(["set", PLACE, "PORT"], { as: reader, input: "9" });
  equal(refused.status, 4);
  check(refused.error.includes("secrets:write"), refused.error);
  check(secrets(["pull", PLACE], { as: writer }).error.includes("secrets:read"), "a writer reads no value");
  check(!JSON.stringify(JSON.parse(secrets(["pull", "--json", PLACE], { as: writer }).out).entries.find((e) => e.key === "PORT")).includes("8080"), "not even a plain one");
  equal(secrets(["pull", PLACE], { as: viewer }).status, 4);
  equal(secrets(["pull", "shop/staging"]).status, 4, "a token for production alone");
  equal(setNumber(), before);
});

await test("a removed, an expired and a made-up token are refused; so is one of somebody demoted or disabled", () => {
  const old = token("old", "secrets:read");
  equal(secrets(["pull", PLACE], { as: old }).status, 0);
  equal(run(["token", "remove", "--user", "ann", "old"]).status, 0);
  equal(secrets(["pull", PLACE], { as: old }).status, 4);
  equal(run(["token", "remove", "--user", "ann", "old"]).status, 1);
  const short = token("short", "secrets:read", "--days", "1");
  product.sql("UPDATE token SET expires_at = 1 WHERE name = 'short'");
  check(secrets(["pull", PLACE], { as: short }).error.includes("expired"), "expired");
  equal(secrets(["pull", PLACE], { as: file("made-up.token", `wl_${"A".repeat(43)}\n`) }).status, 4);
  equal(run(["user", "add", "tom", "--role", "maintainer"], { input: "a very long secret\n" }).status, 0);
  const made = run(["token", "add", "--user", "tom", "--scope", "secrets:read,secrets:write", "tom-ci"]);
  const tom = file("tom.token", made.out);
  equal(secrets(["pull", PLACE], { as: tom }).status, 0);
  const vault = (text) => equal(spawnSync("sqlite3", ["-cmd", ".timeout 5000", join(product.var, "vault/vault.db"), text]).status, 0);
  vault(`UPDATE access SET role = 'deployer' WHERE user_id = '${product.sql("SELECT id FROM user WHERE login = 'tom'")[0].id}'`);
  equal(secrets(["pull", PLACE], { as: tom }).status, 4, "demoted");
  vault(`UPDATE access SET role = 'maintainer' WHERE user_id = '${product.sql("SELECT id FROM user WHERE login = 'tom'")[0].id}'`);
  equal(secrets(["pull", PLACE], { as: tom }).status, 0);
  product.sql("UPDATE user SET disabled_at = 1 WHERE login = 'tom'");
  equal(secrets(["pull", PLACE], { as: tom }).status, 4, "disabled");
});

// --- somebody is faster ------------------------------------------------------------------------------------------------------------------

// Between the command and the dashboard: `before` runs when the change itself (not its trial) comes by.
async function between(before) {
  const server = createServer((incoming, answer) => {
    const chunks = [];
    incoming.on("data", (chunk) => chunks.push(chunk));
    incoming.on("end", async () => {
      if (incoming.method === "PATCH" && !incoming.url.includes("dry_run")) await before();
      const out = httpRequest({ host: "127.0.0.1", port: product.port, method: incoming.method, path: incoming.url, headers: { ...incoming.headers, host: `127.0.0.1:${product.port}` } }, (back) => {
        answer.writeHead(back.statusCode, back.headers);
        back.pipe(answer);
      });
      out.end(Buffer.concat(chunks));
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const helper = endAtExit({ stop: () => server.close() });
  return { url: `http://127.0.0.1:${server.address().port}`, stop: helper.stop };
}
const spawned = (args, input = "") =>
  new Promise((ended) => {
    const child = spawn(join(bin, "windlass"), args, { env: { PATH: process.env.PATH } });
    let out = "", error = "";
    child.stdout.on("data", (bytes) => (out += bytes));
    child.stderr.on("data", (bytes) => (error += bytes));
    child.on("close", (status) => ended({ status, out, error }));
    child.stdin.end(input);
  });

await test("a stale push is refused with exit status 5, and nobody's work is lost", async () => {
  const writer = join(folder, "writer.token");
  const env = file("mine.env", "PORT=7777\n");
  const proxy = await between(() => equal(secrets(["set", "--message", "faster", PLACE, "PORT"], { as: writer, input: "6666" }).status, 0));
  const pushed = await spawned(["secrets", "push", "--yes", "--url", proxy.url, "--token-file", ci, PLACE, env]);
  proxy.stop();
  equal(pushed.status, 5, pushed.error);
  check(pushed.error.includes("Ann Weaver") && pushed.error.includes("faster"), pushed.error);
  equal(JSON.parse(secrets(["pull", "--json", PLACE]).out).entries.find((e) => e.key === "PORT").value, "6666");
  equal(readFileSync(env, "utf8"), "PORT=7777\n");
  equal(secrets(["push", "--yes", PLACE, env]).status, 0, "and again on top of it");
  equal(JSON.parse(secrets(["pull", "--json", PLACE]).out).entries.find((e) => e.key === "PORT").value, "7777");
});

await test("no value and no token is in any process' words, in a log, in the history or in a database", async () => {
  const seen = [];
  const proxy = await between(async () => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
      for (const name of ["cmdline", "environ"])
        try {
          const text = readFileSync(`/proc/${pid}/${name}`, "latin1");
          if (text.includes(CANARY) || Object.values(tokens).some((one) => text.includes(one))) seen.push(`${pid} ${name}`);
        } catch {}
  });
  const set = await spawned(["secrets", "set", "--url", proxy.url, "--token-file", ci, PLACE, "LAST"], `${CANARY}-last`);
  proxy.stop();
  equal(set.status, 0, set.error);
  equal(seen.join(" "), "");
  await sleep(300);
  const texts = { log: logOf(product.var), output: product.output(), history: JSON.stringify(product.sql("SELECT * FROM audit_event")) };
  for (const name of readdirSync(join(product.var, "db"))) texts[name] = readFileSync(join(product.var, "db", name), "latin1");
  for (const name of readdirSync(join(product.var, "vault"))) texts[name] = readFileSync(join(product.var, "vault", name), "latin1");
  for (const [name, text] of Object.entries(texts)) {
    check(text.length > 0 || name.includes("-wal") || name.startsWith("."), `${name} is empty`);
    check(!text.includes(CANARY), `a value is in ${name}`);
    for (const [whose, one] of Object.entries(tokens)) check(!text.includes(one), `the token ${whose} is in ${name}`);
  }
});

await test("the history says what was done with which token, and is whole", () => {
  const rows = product.sql("SELECT verb, actor_name, detail FROM audit_event");
  const verbs = (verb) => rows.filter((row) => row.verb === verb);
  check(verbs("secret.save").every((row) => row.actor_name === "ann" && JSON.parse(row.detail).with_token), "saves");
  check(verbs("secret.reveal").length > 0 && verbs("secret.reveal").every((row) => JSON.parse(row.detail).with_token), "pulls are reveals");
  equal(verbs("token.add").length, 7);
  equal(verbs("token.remove").length, 1);
  check(verbs("token.use").length >= 1, "tokens that are not good");
  equal(run(["audit", "verify"]).status, 0);
  check(existsSync(join(product.var, "db/windlass.db")), "there");
});

await done();
