#!/usr/bin/env node
// hosts.mjs - one job on 200 servers beside parallel-ssh with the same commands on the same servers, in turn in one run. `make bench`. Windlass' side is a Check of all servers: connect,
// run the script, keep its output and the verdict. Counted are processor time, user and system, of everything that runs on the dashboard (worker, runners, mask, web, stream, nginx) and
// of parallel-ssh with its ssh processes, and the time until the last server was done. Fails when Windlass takes more than a quarter of the processor time, or longer.
//
// The servers are one sshd on 127.0.0.1 to 127.0.0.200. WL_BENCH_HOSTS and WL_BENCH_ROUNDS set other numbers.
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { appendFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";

const { check, equal } = lib;
const HOSTS = Number(process.env.WL_BENCH_HOSTS ?? 200);
const ROUNDS = Number(process.env.WL_BENCH_ROUNDS ?? 2);
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

const product = await lib.startProduct();
const target = await lib.startTarget({ listen: "0.0.0.0", options: ["MaxStartups 1000", "MaxSessions 1000", "LoginGraceTime 120"] });
const client = await flow.setUp(product);
const folder = lib.scratch("bench");
const address = (i) => `127.0.0.${i}`;

async function addServers() {
  for (let i = 1; i <= HOSTS; i++)
    await flow.addServer(client, { ...target, address: `${target.user}@${address(i)}:${target.port}` }, `h${String(i).padStart(3, "0")}`);
}

function prepareShell() {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
  target.authorize(readFileSync(join(folder, "key.pub"), "utf8"));
  writeFileSync(join(folder, "hosts"), Array.from({ length: HOSTS }, (_, i) => `${target.user}@${address(i + 1)}:${target.port}\n`).join(""));
  const key = readFileSync(join(target.folder, "host_ed25519_key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
  for (let i = 1; i <= HOSTS; i++) appendFileSync(join(folder, "known_hosts"), `[${address(i)}]:${target.port} ${key}\n`);
  writeFileSync(join(folder, "script"), `WL_INPUT=inline\nWL_NOW=${Math.floor(Date.now() / 1000)}\nWL_JOB=bench\n` + ["recipes/lib.sh", "recipes/check/check.sh"].map((file) => readFileSync(join(lib.top, file), "utf8")).join("\n"));
}

// Processor seconds of everything below the dashboard's `windlass up`, ended children included.
function spent() {
  let ticks = 0;
  for (const { pid } of [{ pid: product.pid }, ...lib.descendants(product.pid)]) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      for (const at of [11, 12, 13, 14]) ticks += Number(fields[at]);
    } catch (error) {
      if (error.code !== "ENOENT" && error.code !== "ESRCH") throw error; // it has just ended, and its parent has its time
    }
  }
  return ticks / TICKS;
}

async function windlass() {
  const before = spent(), from = performance.now();
  const answer = await client.submit("/servers", {}, { action: "/servers/check" });
  const id = answer.url.match(/^\/jobs\/([a-z0-9]+)/)?.[1];
  check(id, `it leads to a job, not to ${answer.status} ${answer.url}`);
  const ended = `SELECT verdict, summary, (SELECT count(*) FROM job_step WHERE job_id = job.id AND state IN ('ok', 'failed')) AS steps FROM job WHERE id = '${id}' AND state = 'ended'`;
  const job = await lib.until("the job to end", () => product.sql(ended)[0], 600000, 100);
  const wall = (performance.now() - from) / 1000;
  await lib.sleep(500); // until its last child is reaped
  equal(job.steps, 2 * HOSTS, `both steps of every server ended: ${job.verdict}, ${job.summary}`);
  return { cpu: spent() - before, wall };
}

async function parallelSsh(round) {
  const out = join(folder, `out${round}`);
  mkdirSync(out);
  const options = ["-p", HOSTS, "-t", 0, "-h", join(folder, "hosts"), "-o", out, "-O", `IdentityFile=${join(folder, "key")}`, "-O", `UserKnownHostsFile=${join(folder, "known_hosts")}`, "-O", "IdentitiesOnly=yes", "-I", "/bin/sh"];
  const ran = await promisify(execFile)("bash", ["-c", `TIMEFORMAT='%R %U %S'; time parallel-ssh "$@" <${join(folder, "script")} >${out}.log`, "bash", ...options.map(String)], { env: { ...process.env, HOME: folder } });
  const [wall, user, system] = ran.stderr.trim().split("\n").pop().split(" ").map(Number);
  const said = readFileSync(`${out}.log`, "utf8");
  equal(said.match(/\[SUCCESS\]/g)?.length, HOSTS, `servers on which the script ended well: ${said.slice(0, 300)}`);
  check(readdirSync(out).every((name) => readFileSync(join(out, name), "utf8").length > 100), "each has said what it found");
  return { cpu: user + system, wall };
}

await addServers();
prepareShell();
const sum = { windlass: { cpu: 0, wall: 0 }, shell: { cpu: 0, wall: 0 } };
for (let round = 1; round <= ROUNDS; round++) {
  for (const [name, run] of [["shell", parallelSsh], ["windlass", windlass]]) {
    const { cpu, wall } = await run(round);
    sum[name].cpu += cpu;
    sum[name].wall += wall;
    console.log(`round ${round}, ${HOSTS} servers, ${name.padEnd(8)} ${cpu.toFixed(2).padStart(7)} s of processor ${wall.toFixed(1).padStart(7)} s until the last one was done`);
  }
}
const ratio = (what) => sum.windlass[what] / sum.shell[what];
console.log(`Windlass: ${(100 * ratio("cpu")).toFixed(0)} % of the processor time of parallel-ssh, ${(100 * ratio("wall")).toFixed(0)} % of its time`);
await lib.test("one job on all servers costs at most a quarter of parallel-ssh's processor time, and takes no longer", () => {
  check(ratio("cpu") <= 0.25, `processor time: ${ratio("cpu").toFixed(2)} of it`);
  check(ratio("wall") <= 1, `time: ${ratio("wall").toFixed(2)} of it`);
});
await lib.done();
