#!/usr/bin/env node
// The lab itself: its servers are what they are said to be, its registry keeps its password, its faults happen, and nothing stays behind.
// Labs beside each other and what killed tests leave: lab_owners.mjs.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";

const { test, check, equal, until } = lib;

const why = await missing();
if (why) {
  await test("the lab", () => ({ skip: why }));
  await lib.done();
}

const docker = (...args) => spawnSync("docker", args, { encoding: "utf8" }).stdout.trim();
const refused = async (promise, pattern) => {
  const said = await promise.then((text) => `it was done: ${text}`, (error) => error.errors);
  check(pattern.test(said), said);
};

const started = Date.now();
const { servers, registry } = await startLab({
  servers: [
    { kind: 12 },
    { kind: 13 },
    { kind: 12, dockerGroup: false, compose: false, dockerd: false, disks: { "/srv/small": 8 } },
    { kind: 13, dockerDisk: 48 },
  ],
});
const [twelve, thirteen, bare, small] = servers;
const both = [twelve, thirteen];
console.log(`# four servers and a registry were there after ${Date.now() - started} ms`);

// A person's ssh, with a key of its own.
const folder = lib.scratch("lab");
execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
const publicKey = readFileSync(join(folder, "key.pub"), "utf8");
const sshArgs = (server, patience_s = 15) => ["-i", join(folder, "key"), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", `ConnectTimeout=${patience_s}`, `${server.user}@${server.ip}`];
function ssh(server, command, patience_s) {
  const run = spawnSync("ssh", [...sshArgs(server, patience_s), command], { encoding: "utf8", timeout: 30000 });
  return { status: run.status, text: `${run.stdout}${run.stderr}`.trim() };
}

await test("Debian 12 has OpenSSH 9.2, Docker 20.10 and Compose v1; Debian 13 has OpenSSH 10, Docker 26 and Compose v2", async () => {
  const versions = async (server) => {
    const said = await server.exec(". /etc/os-release; echo Debian $VERSION_ID; ssh -V 2>&1; docker version --format 'Docker {{.Server.Version}}'; docker-compose version --short; docker compose version 2>&1 | head -n 1", { user: "deploy" });
    return said.trim().split("\n");
  };
  const [old, now] = await Promise.all(both.map(versions));
  check(old[0] === "Debian 12" && /^OpenSSH_9\.2/.test(old[1]) && /^Docker 20\.10\./.test(old[2]) && /^1\.29\./.test(old[3]), old.join("; "));
  check(/not a docker command/.test(old[4]), `Debian 12 has no plugin: ${old[4]}`);
  check(now[0] === "Debian 13" && /^OpenSSH_10\./.test(now[1]) && /^Docker 26\./.test(now[2]) && /^Docker Compose version v?2\./.test(now[4]), now.join("; "));
});

await test("deploy's key opens the way in, and without it there is none", () => {
  for (const server of both) {
    equal(ssh(server, "id -un").status, 255, "without the key");
    server.authorize(publicKey);
    equal(ssh(server, "id -un; id -Gn").text, "deploy\ndeploy docker");
    check(server.fingerprint().startsWith("SHA256:"), server.fingerprint());
  }
  check(twelve.fingerprint() !== thirteen.fingerprint() && twelve.fingerprint() !== bare.fingerprint(), "each has host keys of its own");
});

await test("an image is pushed with the password and pulled by both; without it, or with a wrong one, it is refused", async () => {
  const { ref, pinned, digest } = await registry.push("backend", "1.0.0");
  equal((await fetch(`http://${registry.host}/v2/backend/tags/list`)).status, 401, "a question without a password");
  await Promise.all(both.map(async (server) => {
    await refused(server.exec(`docker pull -q ${ref}`, { user: "deploy" }), /no basic auth credentials/);
    const login = (password) => server.exec(`docker login -u ${registry.user} --password-stdin ${registry.host}`, { user: "deploy", input: password });
    await refused(login("another"), /unauthorized|401/);
    await login(registry.password);
    await server.exec(`docker pull -q ${ref}`, { user: "deploy" });
    equal((await server.exec(`docker image inspect --format '{{index .RepoDigests 0}}' ${ref}`)).trim(), pinned);
  }));
  equal((await registry.push("backend", "1.0.0")).digest, digest, "the same once more");
  const changed = await registry.push("backend", "1.0.0", { content: "moved" });
  check(changed.digest !== digest, "other content under the same tag");
  await twelve.exec(`docker pull -q ${ref} && docker image inspect ${changed.pinned}`, { user: "deploy" });
});

await test("a changed password shuts the old one out; a registry whose host is gone comes back with what it holds", async () => {
  const old = registry.password;
  await registry.setPassword("another one, with spaces");
  const login = (password, server = thirteen) => server.exec(`docker login -u ${registry.user} --password-stdin ${registry.host}`, { user: "deploy", input: password });
  await refused(login(old), /unauthorized|401/);
  await login(registry.password, twelve);
  await login(registry.password);
  await registry.stop();
  await refused(login(registry.password), /connection refused/);
  await registry.start();
  await login(registry.password);
  await thirteen.exec(`docker pull -q ${registry.host}/backend:1.0.0`, { user: "deploy" });
  const pushed = await registry.push("frontend", "1.0.0");
  await thirteen.exec(`docker pull -q ${pushed.ref}`, { user: "deploy" });
});

const app = (server, name, options, image = "backend:1.0.0") =>
  server.exec(`docker run -d --name ${name} ${options} ${registry.host}/${image}`, { user: "deploy" });
const stateOf = async (server, name, format) => (await server.exec(`docker inspect --format '${format}' ${name}`)).trim();

await test("the backend is healthy, keeps its data in a volume and shows its environment byte for byte; the frontend shows a page", async () => {
  const value = "a b$c\\ \"q\" 'r' #ü";
  await thirteen.exec("cat >/home/deploy/values", { user: "deploy", input: `ODD=${value}\n` });
  await app(thirteen, "backend", "--env-file /home/deploy/values -v data:/app/data -p 127.0.0.1:8000:8000");
  await app(thirteen, "frontend", "-p 3000:3000", "frontend:1.0.0");
  const get = (address) => thirteen.exec(`curl -sf --retry 20 --retry-delay 0 --retry-all-errors --max-time 5 'http://127.0.0.1:${address}'`);
  equal(await get("8000/health"), '{"status":"healthy","version":"1.0.0"}\n');
  equal(await get("8000/env?ODD"), value);
  await thirteen.exec("docker restart -t 2 backend");
  equal((await get("8000/data")).trim().split("\n").length, 2, "a line for each start");
  check((await get("3000/")).includes("Version <b>1.0.0</b>"), "page");
  check((await (await fetch(`http://${thirteen.ip}:3000/`)).text()).includes("1.0.0"), "and it is seen from outside");
  await until("Docker's own word", async () => (await stateOf(thirteen, "backend", "{{.State.Health.Status}}")) === "healthy", 20000);
});

await test("faults: never healthy, flapping, a crash at the start, out of memory, a slow start", async () => {
  const faults = { unhealthy: "unhealthy", flapping: "flapping=2", crash: "crash", memory: "memory", slow: "slow=4" };
  for (const [name, fault] of Object.entries(faults)) await registry.push("backend", name, { fault, content: name });
  await Promise.all(Object.keys(faults).map((name) => app(thirteen, name, "--restart on-failure:2 --memory 24m --health-interval 1s", `backend:${name}`)));
  await until("unhealthy", async () => (await stateOf(thirteen, "unhealthy", "{{.State.Health.Status}}")) === "unhealthy", 30000);
  const seen = new Set();
  await until("both states of the flapping one", async () => {
    seen.add(await stateOf(thirteen, "flapping", "{{.State.Health.Status}}"));
    return seen.has("healthy") && seen.has("unhealthy");
  }, 40000);
  await until("the crash loop", async () => (await stateOf(thirteen, "crash", "{{.RestartCount}} {{.State.ExitCode}}")) === "2 1", 30000);
  // A busy engine may lose the kernel's word that it was for memory; that it was killed it always tells.
  await until("the kill", async () => (await stateOf(thirteen, "memory", "{{.State.ExitCode}}")) === "137", 30000);
  check((await thirteen.exec("docker logs slow 2>&1")).includes("fault slow"), "it says what it plays");
  await thirteen.exec("docker rm -f $(docker ps -aq)");
});

await test("a server without Compose, without its engine, whose deploy is not in the group docker, with a small disk", async () => {
  bare.authorize(publicKey);
  equal(ssh(bare, "id -Gn").text, "deploy");
  await refused(bare.exec("docker-compose version"), /not found/);
  await refused(bare.exec("docker version"), /Cannot connect to the Docker daemon/);
  await bare.startDocker();
  await bare.exec("docker version");
  check(/permission denied/i.test(ssh(bare, "docker ps").text), "deploy is not in the group");
  await bare.stopDocker();
  await refused(bare.exec("docker version"), /Cannot connect to the Docker daemon/);
  await refused(bare.exec("dd if=/dev/zero of=/srv/small/file bs=1M count=9", { user: "deploy" }), /No space left/);
});

await test("an image that does not fit on the engine's small disk is refused by it, a small one fits", async () => {
  const [large, fits] = [await registry.push("backend", "large", { size: 60 << 20 }), await registry.push("backend", "1.0.0")];
  await small.exec(`docker login -u ${registry.user} --password-stdin ${registry.host}`, { input: registry.password });
  await small.exec(`docker pull -q ${fits.ref} && docker run --rm ${fits.ref} true`);
  await refused(small.exec(`docker pull -q ${large.ref}`), /no space left on device/);
});

await test("a frozen server answers nothing and goes on afterwards; so does one whose cable is pulled", async () => {
  await app(twelve, "frontend", "-p 3000:3000", "frontend:1.0.0");
  const page = () => fetch(`http://${twelve.ip}:3000/`, { signal: AbortSignal.timeout(1000) }).then((answer) => answer.status, (error) => error.name);
  for (const [away, back] of [["freeze", "unfreeze"], ["cut", "join"]]) {
    await until("the page", async () => (await page()) === 200, 20000);
    await twelve[away]();
    equal(await page(), "TimeoutError", "a container of its own stands still too");
    equal(ssh(twelve, "true", 3).status, 255, away);
    await twelve[back]();
    await until(back, () => ssh(twelve, "true").status === 0, 20000);
  }
});

await test("open connections are cut without a word, and sshd goes on", async () => {
  for (const server of both) {
    const child = spawn("ssh", [...sshArgs(server), "echo open; sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
    let said = "";
    child.stdout.on("data", (bytes) => (said += bytes));
    await until("the connection", () => said.includes("open"), 10000);
    check(server.killSessions() >= 2, "the connection's processes");
    await until("its end", () => child.exitCode !== null, 10000);
    equal(child.exitCode, 255);
    equal(ssh(server, "echo again").text, "again");
  }
});

await test("a reboot: every process is gone, the boot id is another, containers that shall come again do", async () => {
  await app(twelve, "stays", "--restart always");
  await app(twelve, "ends", "");
  const boot = () => ssh(twelve, "cat /proc/sys/kernel/random/boot_id").text;
  const before = boot();
  const fingerprint = twelve.fingerprint();
  await twelve.exec("setsid sleep 300 >/dev/null 2>&1 &", { user: "deploy" });
  await twelve.reboot();
  check(/^[0-9a-f-]{36}$/.test(before) && boot() !== before, "the boot id");
  equal(twelve.fingerprint(), fingerprint, "the host keys are the same");
  equal(ssh(twelve, "pgrep -f 'sleep 30[0]' || echo none").text, "none");
  await until("the container", async () => (await stateOf(twelve, "stays", "{{.State.Running}}")) === "true", 20000);
  equal(await stateOf(twelve, "ends", "{{.State.Running}}"), "false");
});

await test("nothing stays behind: servers, their volumes, their cgroups, the registry", async () => {
  await app(twelve, "left", "--restart always");
  const inspect = (format) => servers.map((server) => docker("inspect", "--format", format, server.name)).join("\n").split("\n").filter(Boolean);
  const volumes = inspect("{{range .Mounts}}{{if eq .Type \"volume\"}}{{.Name}} {{end}}{{end}}").flatMap((line) => line.trim().split(" "));
  check(volumes.length >= 3, "the engines' volumes");
  const ids = inspect("{{.Id}}");
  const groups = () => readdirSync("/sys/fs/cgroup", { recursive: true }).filter((path) => ids.some((id) => path.includes(id)));
  check(groups().some((path) => path.includes(`${ids[0]}/containers/`)), "a container's cgroup lies below its server's");
  await Promise.all([...servers.map((server) => server.stop()), registry.remove()]);
  for (const server of servers) equal(docker("ps", "-aq", "--filter", `name=^${server.name}$`), "", "server");
  for (const volume of volumes) equal(docker("volume", "ls", "-q", "--filter", `name=^${volume}$`), "", "volume");
  equal(groups().join(" "), "", "cgroups");
  check(!existsSync(registry.folder), "the registry's folder");
  equal(lib.processes().filter((p) => p.state !== "Z" && p.command.includes(`${registry.folder}/config.yml`)).length, 0, "its processes");
});

execFileSync("rm", ["-rf", folder]);
await lib.done();
