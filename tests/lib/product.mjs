// product.mjs - the whole product and real targets for tests: `windlass up` in a scratch folder, private sshd, hello tarballs.
//
//   const product = await startProduct()           // .url .setupUrl .var .pidOf(program) .sql(text) .stop()
//   const target = await startTarget({ ... })      // .address .home .authorize(line) .killSessions() .stop()
//   const client = new Client(product.url)         // a browser without a screen: cookies, CSRF, redirects
//   product.kill(pid, ...)                         // kill -9 of its programs, which it is then expected to start again
//
// A product that had to start a program again which no test has ended, or in which a sanitizer has complained, fails the file: its log is
// read at stop(), and done() has a test of its own for it.
//
// Everything started here is ended by stop(), also what was deployed; cleanUp() ends all of it and is called at exit.
import { spawn, spawnSync, execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { cpSync, mkdtempSync, readFileSync, existsSync, rmSync, appendFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const top = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const bin = process.env.WL_BIN ?? join(top, process.env.SAN === "1" ? "build/san/bin" : "build/bin");
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

const open = new Set();
// For what other helpers start: `thing.stop()` is called by cleanUp() unless it was called before.
export function endAtExit({ stop }) {
  const thing = { stop: () => (open.delete(thing), stop()) };
  open.add(thing);
  return thing;
}
// One that cannot be stopped does not keep the others from it.
export async function cleanUp() {
  const errors = [];
  for (const thing of [...open].reverse()) {
    try {
      await thing.stop();
    } catch (error) {
      open.delete(thing);
      errors.push(error);
    }
  }
  if (errors.length) throw errors[0];
}

export function scratch(name) {
  const folder = mkdtempSync(join(tmpdir(), `wl-${name}-`));
  // The programs run as users of their own when we are root: they must be able to walk through.
  spawnSync("chmod", ["0755", folder]);
  return folder;
}

export async function freePort() {
  return await new Promise((done, fail) => {
    const server = createServer();
    server.once("error", fail);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

// Poll until `probe` gives something true; the last error or value is in the message when it never does. What takes long is asked for less often, and a
// probe that takes long (a command in a container) leaves the machine as much time as it takes.
const RARELY_MS = 400;
export async function until(what, probe, limitMs = 30000, everyMs = 100) {
  const start = Date.now();
  const end = start + limitMs;
  let last;
  for (;;) {
    const asked = Date.now();
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    const now = Date.now();
    if (now > end) throw new Error(`gave up after ${limitMs} ms waiting for ${what}: ${last}`);
    await sleep(Math.max(everyMs, Math.min(RARELY_MS, Math.max(now - asked, (now - start) / 20))));
  }
}

// What /proc says of a process, or null: [ppid, command line, environment].
function look(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const after = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid, state: after[0], parent: Number(after[1]), command: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").filter(Boolean) };
  } catch {
    return null;
  }
}

export function processes() {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((name) => look(Number(name))).filter(Boolean);
}

export function descendants(root) {
  const all = processes();
  const found = [];
  let parents = [root];
  while (parents.length) {
    const next = all.filter((p) => parents.includes(p.parent));
    found.push(...next);
    parents = next.map((p) => p.pid);
  }
  return found.filter((p) => p.state !== "Z");
}

// --- what a product's programs say of themselves ---------------------------------------------------------------------------------------
// Told by the supervisor on its output, and by the programs in their log. A part of the worker that gives up (status 1) says why elsewhere.
const ENDINGS = [
  [/^windlass: (\S+) ended \(.*$/gm, (m) => (m[1] === "nginx" ? m[1] : `windlass-${m[1]}`)],
  [/^.* prog=windlass-web .*event=child-ended .*$/gm, () => "windlass-web child"],
  [/^.* event=(runner|mask)_lost .*$/gm, (m) => `windlass-worker ${m[1]}`],
  [/^.* prog=worker .*event=child-ended part=(\w+) pid=\d+ (?:signal=.*|status=86)$/gm, (m) => `windlass-worker part ${m[1]}`],
];
const COMPLAINT = /^.*(?:Sanitizer|runtime error: |ERROR: Can't open file).*$/m;

// The faults in `text`, a product's output and log, of which `expected` (name to number) were a test's own doing.
export function faultsIn(text, expected = new Map()) {
  const faults = [];
  const allowed = new Map(expected);
  const parts = ["runner", "mask"].reduce((sum, part) => sum + (expected.get(`windlass-worker ${part}`) ?? 0), 0);
  if (parts) allowed.set("windlass-worker part job", parts);
  const seen = new Map();
  for (const [pattern, nameOf] of ENDINGS)
    for (const match of text.matchAll(pattern)) seen.set(nameOf(match), [...(seen.get(nameOf(match)) ?? []), match[0].trim()]);
  for (const [name, lines] of seen) {
    const more = lines.length - (allowed.get(name) ?? 0);
    if (more > 0) faults.push(`${name} ended ${lines.length} times, ${more} more than a test has ended it:\n${lines.join("\n")}`);
  }
  const mayBeFewer = (name) => /^windlass-worker /.test(name); // killed with its parts, the worker may not live to tell that they went
  for (const [name, times] of allowed)
    if ((seen.get(name)?.length ?? 0) < times && !mayBeFewer(name)) faults.push(`a test said that it ends ${name} ${times} times, the product tells of ${seen.get(name)?.length ?? 0}`);
  const complaint = text.match(COMPLAINT)?.[0];
  if (complaint) faults.push(`a sanitizer has complained: ${complaint}`);
  return faults;
}

let products = 0;
const faults = [];

// What the programs of the data folder have logged; the older half when the log was cut.
export function logOf(varDir) {
  return ["windlass.log.1", "windlass.log"].map((name) => join(varDir, "run/log", name)).filter(existsSync).map((file) => readFileSync(file, "utf8")).join("");
}

// How expectRespawn calls a process of the product.
function nameOf(pid, supervisor) {
  const found = look(pid);
  if (/^nginx: master/.test(found?.command[0])) return "nginx";
  const program = found?.command[0]?.split("/").pop() ?? "";
  if (!/^windlass-/.test(program)) throw new Error(`process ${pid} is none that the product starts again: ${found?.command.join(" ")}`);
  if (found.command[1] === "-x") return `${program} ${found.command[2]}`;
  return found.parent === supervisor ? program : `${program} child`;
}

function ended(child) {
  return child.exitCode !== null || child.signalCode !== null;
}

async function end(child, limitMs = 20000) {
  if (ended(child)) return;
  child.kill("SIGTERM");
  const limit = Date.now() + limitMs;
  while (!ended(child) && Date.now() < limit) await sleep(50);
  if (!ended(child)) child.kill("SIGKILL");
}

// again: a product that has been stopped (and was started with keep): the same data folder and port, for its second life.
export async function startProduct({ env = {}, keep = false, programs = bin, again } = {}) {
  const folder = again ? dirname(again.var) : scratch("product");
  const varDir = join(folder, "var");
  const port = again?.port ?? (await freePort());
  const logged = logOf(varDir).length; // judged already
  const output = [];
  const expected = new Map();
  const child = spawn(join(programs, "windlass"), ["up", "--var", varDir, "--port", String(port)], {
    env: { ...process.env, WL_STRICT: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => output.push(bytes.toString()));
  const allSaid = new Promise((done) => child.once("close", done));
  products++;
  const product = {
    url: `http://127.0.0.1:${port}`,
    port,
    var: varDir,
    pid: child.pid,
    output: () => output.join(""),
    // The newest process below ours whose program has this name; `words` must all be among its arguments.
    pidsOf: (program, ...words) =>
      descendants(child.pid)
        .filter((p) => p.command[0]?.split("/").pop() === program && words.every((w) => p.command.includes(w)))
        .map((p) => p.pid),
    sql: (text) => {
      const run = spawnSync("sqlite3", ["-json", "-cmd", ".timeout 5000", join(varDir, "db/windlass.db"), text], { encoding: "utf8" });
      if (run.status !== 0) throw new Error(run.stderr);
      return run.stdout.trim() ? JSON.parse(run.stdout) : [];
    },
    windlass: (...args) => execFileSync(join(bin, "windlass"), args, { env: { ...process.env, WL_VAR: varDir }, encoding: "utf8" }),
    exited: () => ended(child),
    exitCode: () => child.exitCode,
    // A test is about to end this program so many times: "windlass-web", "windlass-web child", "windlass-worker", "windlass-worker runner",
    // "windlass-worker mask", "windlass-stream", "nginx".
    expectRespawn: (name, times = 1) => expected.set(name, (expected.get(name) ?? 0) + times),
    kill: (...pids) => {
      for (const name of pids.map((pid) => nameOf(pid, child.pid))) product.expectRespawn(name);
      for (const pid of pids) {
        try {
          process.kill(pid, "SIGKILL");
        } catch (error) {
          if (error.code !== "ESRCH" || pid === pids[0]) throw error; // one before took it along
        }
      }
    },
    // What went wrong so far (see faultsIn); [] when all is well.
    faults: () => faultsIn(output.join("") + logOf(varDir).slice(logged), expected),
    stop: async () => {
      if (!open.delete(product)) return;
      const family = descendants(child.pid);
      await end(child);
      await Promise.race([allSaid, sleep(2000)]);
      faults.push(...product.faults());
      product.leftovers = family.filter((p) => look(p.pid)?.command.join(" ") === p.command.join(" "));
      for (const p of product.leftovers) process.kill(p.pid, "SIGKILL");
      if (!keep) rmSync(folder, { recursive: true, force: true });
    },
  };
  open.add(product);
  await until(
    "its start",
    () => {
      if (ended(child)) throw new Error(`windlass up ended: ${output.join("")}`);
      return output.join("").includes("  Stop ");
    },
    30000,
  );
  product.setupUrl = output.join("").match(/http:\/\/\S+\/setup\/\S+/)?.[0]; // none once there is an admin
  await until("the first page", async () => (await fetch(`${product.url}/healthz`)).ok, 15000);
  return product;
}

// hostKeysFrom: a folder whose host keys it shows, those of a server that is to come back as itself.
export async function startTarget({ options = [], hostKeys = ["ed25519"], port, hostKeysFrom, listen } = {}) {
  const folder = scratch("target");
  if (hostKeysFrom) cpSync(hostKeysFrom, folder, { recursive: true });
  port ??= await freePort();
  const args = [];
  for (const type of hostKeys) args.push("--host-key", type);
  for (const line of options) args.push("--option", line);
  if (listen) args.push("--listen", listen); // 0.0.0.0: it plays 250 servers, 127.0.0.1 to .250
  const log = [];
  const child = spawn(join(top, "tools/private-sshd.sh"), [...args, folder, String(port)], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => log.push(bytes.toString()));
  const user = execFileSync("id", ["-un"], { encoding: "utf8" }).trim();
  const target = {
    folder,
    port,
    pid: child.pid,
    user,
    home: join(folder, "home"),
    address: `${user}@127.0.0.1:${port}`,
    log: () => log.join("") + (existsSync(join(folder, "sshd.log")) ? readFileSync(join(folder, "sshd.log"), "utf8") : ""),
    authorize: (line) => appendFileSync(join(folder, "authorized_keys"), line.trim() + "\n"),
    fingerprint: (type = "ed25519") =>
      execFileSync("ssh-keygen", ["-lf", join(folder, `host_${type}_key.pub`)], { encoding: "utf8" }).split(" ")[1],
    // The sshd processes of open connections (not the listener). One that only forwards a port has no "@" in its title.
    sessions: () => descendants(child.pid).filter((p) => /^sshd/.test(p.command[0] ?? "")),
    killSessions: () => target.sessions().map((p) => process.kill(p.pid, "SIGKILL")).length,
    // The machine is gone from one moment to the next: no connection is closed by anybody's good manners.
    vanish: () => {
      for (const p of [...descendants(child.pid), { pid: child.pid }]) {
        try {
          process.kill(p.pid, "SIGKILL");
        } catch (error) {
          if (error.code !== "ESRCH") throw error; // it had ended by itself
        }
      }
    },
    stop: async () => {
      open.delete(target);
      await end(child);
      spawnSync(join(top, "tools/private-sshd.sh"), ["--reap", folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  open.add(target);
  await until("sshd", async () => {
    if (ended(child)) throw new Error(`sshd ended: ${target.log()}`);
    return await new Promise((done) => {
      const probe = spawnSync("bash", ["-c", `exec 3<>/dev/tcp/127.0.0.1/${port}`]);
      done(probe.status === 0);
    });
  }, 90000);
  return target;
}

// hello-<version>.tar.gz for the three versions, made once per test program.
let tarballs;
export function helloTarballs() {
  if (!tarballs) {
    const out = scratch("hello");
    open.add({ stop: async () => rmSync(out, { recursive: true, force: true }) });
    execFileSync(join(top, "examples/hello/package.sh"), [join(bin, "hello"), out], { stdio: "pipe" });
    tarballs = Object.fromEntries(["1.0.0", "1.1.0", "1.2.0"].map((v) => [v, join(out, `hello-${v}.tar.gz`)]));
  }
  return tarballs;
}

// A browser without a screen. Pages come back as {status, text, url}; JSON faces by json().
export class Client {
  constructor(base) {
    this.base = base;
    this.cookies = new Map();
  }
  async raw(method, path, { body, headers = {}, follow = true } = {}) {
    let url = new URL(path, this.base);
    for (let hop = 0; hop < 6; hop++) {
      const answer = await fetch(url, {
        method,
        body,
        redirect: "manual",
        headers: { ...(method === "POST" ? { origin: this.base } : {}), cookie: [...this.cookies].map(([k, v]) => `${k}=${v}`).join("; "), ...headers },
      });
      for (const line of answer.headers.getSetCookie?.() ?? []) {
        const [name, value] = line.split(";")[0].split(/=(.*)/s);
        if (/max-age=0/i.test(line) || value === "") this.cookies.delete(name);
        else this.cookies.set(name, value);
      }
      if (follow && answer.status >= 300 && answer.status < 400) {
        url = new URL(answer.headers.get("location"), url);
        method = "GET";
        body = undefined;
        continue;
      }
      return { status: answer.status, headers: answer.headers, text: await answer.text(), url: url.pathname + url.search };
    }
    throw new Error(`too many redirects at ${path}`);
  }
  get(path, options) {
    return this.raw("GET", path, options);
  }
  async json(path) {
    const answer = await this.raw("GET", path, { headers: { accept: "application/json" } });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.text.slice(0, 400)}`);
    return JSON.parse(answer.text);
  }
  // The first form on `page` that is sent to `action`: all its fields as a browser would send them untouched.
  fields(page, action) {
    for (const [, attributes, inner] of page.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)) {
      // Without an action asked for: the page's own form, which is not the one for signing out.
      const target = unescape(attributes.match(/\baction="([^"]*)"/)?.[1] ?? page.url);
      if (action === undefined ? target === "/logout" : target !== action) continue;
      if (!/method="post"/i.test(attributes)) continue;
      const fields = new URLSearchParams();
      for (const [tag] of inner.matchAll(/<input\b[^>]*>/g)) {
        const of = (name) => tag.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1];
        const type = of("type") ?? "text";
        if (!of("name") || type === "submit" || type === "file") continue;
        if ((type === "checkbox" || type === "radio") && !/\bchecked\b/.test(tag)) continue;
        fields.append(of("name"), unescape(of("value") ?? (type === "checkbox" ? "on" : "")));
      }
      for (const [, head, text] of inner.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/g)) {
        const name = head.match(/\bname="([^"]*)"/)?.[1];
        if (name) fields.append(name, unescape(text.replace(/^\n/, "")));
      }
      for (const [, head, options] of inner.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/g)) {
        const name = head.match(/\bname="([^"]*)"/)?.[1];
        const chosen = [...options.matchAll(/<option\b([^>]*)>/g)].map((m) => m[1]);
        const pick = chosen.find((o) => /\bselected\b/.test(o)) ?? chosen[0];
        if (name && pick !== undefined) fields.append(name, unescape(pick.match(/\bvalue="([^"]*)"/)?.[1] ?? ""));
      }
      return fields;
    }
    throw new Error(`no form ${action ?? ""} on ${page.url}: ${page.text.slice(0, 300)}`);
  }
  // Open `path`, change `values` in the form to `action`, send it.
  async submit(path, values, { action, follow } = {}) {
    const page = await this.get(path);
    const fields = this.fields(page, action);
    for (const [name, value] of Object.entries(values)) fields.set(name, value);
    return await this.raw("POST", action ?? page.url, { body: fields, follow });
  }
  async upload(path, action, values, file) {
    const page = await this.get(path);
    const form = new FormData();
    const fields = this.fields(page, action);
    form.append("csrf", fields.get("csrf"));
    for (const [name, value] of Object.entries(values)) form.append(name, value);
    form.append("file", new Blob([readFileSync(file)]), file.split("/").pop());
    return await this.raw("POST", action, { body: form });
  }
}

function unescape(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&#0*39;|&#x27;/gi, "'").replace(/&#x?([0-9a-f]+);/gi, (all, n) => String.fromCodePoint(/x/i.test(all) ? parseInt(n, 16) : Number(n))).replace(/&amp;/g, "&");
}

// --- TAP -------------------------------------------------------------------------------------------------------------
let count = 0;
let failed = 0;
let past = false; // the claim named by WL_TEST_UNTIL: nothing after it runs (tests/mutants)
export async function test(name, body) {
  if (past) return;
  past = name === process.env.WL_TEST_UNTIL;
  count++;
  try {
    const result = await body();
    console.log(`ok ${count} - ${name}${result?.skip ? ` # SKIP ${result.skip}` : ""}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${count} - ${name}`);
    for (const line of String(error.stack ?? error).split("\n")) console.log(`# ${line}`);
  }
}
export async function done() {
  await cleanUp();
  if (products)
    await test("no program was started again that no test had ended, and no sanitizer complained", () => {
      if (faults.length) throw new Error(faults.join("\n"));
    });
  console.log(`1..${count}`);
  process.exit(failed ? 1 : 0);
}
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, async () => { await cleanUp(); process.exit(1); });
// A stage that could not be set up must not leave its programs behind.
process.on("uncaughtException", async (error) => {
  console.log(`Bail out! ${error.stack ?? error}`.split("\n").join("\n# "));
  await cleanUp();
  process.exit(1);
});
export function check(claim, text) {
  if (!claim) throw new Error(text ?? "claim does not hold");
}
export function equal(got, want, text = "") {
  if (got !== want) throw new Error(`${text} got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}
