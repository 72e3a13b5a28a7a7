// lab.mjs - the lab for tests: real Debian servers with sshd and Docker, and a registry with a password. The work is done by tests/lab/lab.sh.
//
//   const why = await lab.missing()                        // a sentence when there can be no lab here, or null
//   const { servers: [one, two], registry, stop } = await startLab({ servers: [{ kind: 12 }, { kind: 13 }] })
//   const server = await startServer({ kind: 13, ... })    // like startTarget() of product.mjs: .address .home .authorize(line) ...
//   const registry = await startRegistry({ user, password })   // .host .push(name, tag, options) .stop() .start() .setPassword(text)
//
// Kind 12 is Debian 12 (OpenSSH 9.2, Docker 20.10, Compose v1), 13 is Debian 13 (OpenSSH 10, Docker 26, Compose v2). Everything is ended
// by stop() (a registry: remove()) and by cleanUp(); what a killed test leaves, the next one removes.
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { endAtExit, top } from "./product.mjs";
import { pushImage } from "./images.mjs";

const script = join(top, "tests/lab/lab.sh");
const environment = () => ({ ...process.env, WL_LAB_OWNER: String(process.pid) });

const LIMIT_MS = 240000; // for one command, on a machine that has much else to do

// What a command prints on standard output; a failure is an error with all that it said.
function run(command, args, { input } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { env: environment(), stdio: ["pipe", "pipe", "pipe"], timeout: LIMIT_MS });
    const out = [];
    const err = [];
    child.stdout.on("data", (bytes) => out.push(bytes));
    child.stderr.on("data", (bytes) => err.push(bytes));
    child.on("error", fail);
    child.on("close", (status) => {
      const said = Buffer.concat(out).toString();
      if (status === 0) return done(said);
      fail(Object.assign(new Error(`${command} ${args.join(" ")}: status ${status}\n${said}${Buffer.concat(err)}`), { status, output: said, errors: Buffer.concat(err).toString() }));
    });
    child.stdin.on("error", () => {}); // a command may end before it has read everything
    child.stdin.end(input ?? "");
  });
}
const lab = (...args) => run(script, args);
const labNow = (...args) => execFileSync(script, args, { env: environment(), encoding: "utf8", timeout: LIMIT_MS }).trim();
const facts = (text) => Object.fromEntries(text.trim().split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2)));

// The engine is held for this process, once; it is let go after everything that runs in it.
let held;
function holdEngine() {
  held ??= (async () => {
    const host = (await lab("engine", "hold")).trim();
    if (host) process.env.DOCKER_HOST = host;
    endAtExit({ stop: () => lab("engine", "release") });
  })();
  return held;
}

export async function missing() {
  if (process.getuid() !== 0) return "needs root: the lab's servers are containers with all capabilities";
  return await holdEngine().then(() => null, (error) => error.errors ?? error.message);
}

let count = 0;
export async function startServer({ kind = 12, dockerGroup = true, compose = true, dockerd = true, dockerDisk, disks = {}, memory, keys = [] } = {}) {
  await holdEngine();
  const name = `wl-lab-${kind}-${process.pid}-${++count}`;
  const args = ["--kind", String(kind), "--name", name];
  if (!dockerGroup) args.push("--no-docker-group");
  if (!compose) args.push("--no-compose");
  if (!dockerd) args.push("--no-dockerd");
  if (dockerDisk) args.push("--docker-disk", String(dockerDisk)); // MB
  for (const [path, size] of Object.entries(disks)) args.push("--disk", `${path}=${size}`);
  if (memory !== undefined) args.push("--memory", String(memory)); // "512m"; 0: no limit
  const starting = lab("server", "start", ...args);
  const entry = endAtExit({ stop: () => starting.catch(() => {}).then(() => lab("server", "remove", name)) });
  const { ip, user, pid } = facts(await starting);
  const homeOf = (name) => (name === "root" ? "/root" : `/home/${name}`);
  const home = homeOf(user);
  // Into the machine by its namespaces: for each `docker exec` the engine starts a runtime, which takes a quarter of a second of a processor.
  const PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const inside = (as, ...command) => ["--target", pid, "--mount", "--uts", "--ipc", "--net", "--pid", "--",
    "env", "-i", `HOME=${homeOf(as)}`, `PATH=${PATHS}`, `HOSTNAME=${name}`, "/usr/bin/setpriv", // not busybox's
      `--reuid=${as}`, `--regid=${as}`, "--init-groups", ...command];
  const verb = (word) => lab("server", word, name);
  const server = {
    name, kind, ip, user, home, port: 22,
    pid: Number(pid),
    address: `${user}@${ip}:22`,
    // As root, or as { user }; resolves with the standard output.
    exec: (command, { user: as = "root", input } = {}) => run("nsenter", inside(as, "bash", "-c", command), { input }),
    authorize: (line) =>
      execFileSync("nsenter", inside(user, "sh", "-c", "umask 077; mkdir -p ~/.ssh; cat >>~/.ssh/authorized_keys"), { input: `${line.trim()}\n`, stdio: ["pipe", "pipe", "pipe"] }),
    fingerprint: (type = "ed25519") =>
      execFileSync("nsenter", inside("root", "ssh-keygen", "-lf", `/etc/ssh/ssh_host_${type}_key.pub`), { encoding: "utf8" }).split(" ")[1],
    // Every open SSH connection is cut, sshd goes on listening; how many processes that were.
    killSessions: () => Number(labNow("server", "kill-sessions", name)),
    freeze: () => verb("freeze"), // the machine stands still, its addresses answer nothing
    unfreeze: () => verb("unfreeze"),
    cut: () => verb("cut"), // the cable is pulled: the machine goes on
    join: () => verb("join"),
    reboot: () => verb("reboot"), // every process is gone at once, another boot id, the engine starts again
    vanish: () => run("docker", ["kill", name]),
    stopDocker: () => server.exec("kill $(cat /run/docker.pid); while pgrep -x dockerd >/dev/null; do sleep 0.05; done"),
    startDocker: () => server.exec("lab-dockerd"),
    log: () => server.exec("cat /var/log/sshd.log /var/log/dockerd.log"),
    stop: () => entry.stop(),
  };
  for (const line of keys) server.authorize(line);
  return server;
}

export async function startRegistry({ user = "lab", password = "a password, of the lab" } = {}) {
  await holdEngine();
  const [told, layer] = await Promise.all([run(script, ["registry", "start", "--user", user], { input: `${password}\n` }), lab("layer")]);
  const { host, local, folder } = facts(told);
  const entry = endAtExit({ stop: () => lab("registry", "remove", folder) });
  const registry = {
    host, // for the servers and for this machine
    local, // 127.0.0.1, which an engine of this machine takes as insecure by itself
    user, password, folder,
    layer: layer.trim(),
    push: (name, tag, options) => pushImage(registry, name, tag, options),
    stop: () => lab("registry", "stop", folder), // as if its host were gone; start() brings it back with all that it holds
    start: () => lab("registry", "restart", folder),
    setPassword: async (text) => {
      await run(script, ["registry", "password", folder], { input: `${text}\n` });
      registry.password = text;
    },
    remove: () => entry.stop(),
  };
  return registry;
}

// The bytes of the layer that all images of the tests begin with, for `docker import` on a server that builds.
export const baseLayer = () => gunzipSync(readFileSync(labNow("layer")));

// The file of a layer for registry.push(..., { layers: [file] }), which makes the image a PostgreSQL.
export const postgresLayer = async () => (await lab("layer", "postgres")).trim();

// Servers and a registry (unless `registry: false`), all at once.
export async function startLab({ servers = [{ kind: 12 }, { kind: 13 }], registry = {} } = {}) {
  await holdEngine();
  const started = await Promise.all([registry && startRegistry(registry), ...servers.map(startServer)]);
  const [store, ...machines] = started;
  return {
    servers: machines,
    registry: store || null,
    stop: () => Promise.all([...machines.map((machine) => machine.stop()), store && store.remove()]),
  };
}
