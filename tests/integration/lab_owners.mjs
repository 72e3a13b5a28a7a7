#!/usr/bin/env node
// Labs beside each other: they do not meet, a test takes its own away when it is asked to stop, the next one removes what a killed one has left,
// and the developer's lab stays.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import { docker, exists, registryProcesses, startOwner } from "./lib/lab_owner.mjs";

const { test, check, equal, top } = lib;

const why = process.env.WL_TEST_ALL === "1" ? await missing() : "the lab's own care for its engine and machines is tested with WL_TEST_ALL=1 (make torture)";
if (why) {
  await test("labs beside each other", () => ({ skip: why }));
  await lib.done();
}

const basic = (user, password) => ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` });
const ours = await startLab({ servers: [{ kind: 13, dockerd: false }], registry: { password: "ours" } });
const [server] = ours.servers;

await test("two labs at once do not meet, and a test that is asked to stop takes its own away", async () => {
  const other = await startOwner();
  check(exists(other.name) && other.host !== ours.registry.host, JSON.stringify(other));
  const answer = await fetch(`http://${other.host}/v2/`, { headers: basic("lab", "ours") });
  equal(answer.status, 401, "the one's password at the other's registry");
  await other.ended("SIGTERM");
  check(!exists(other.name) && !existsSync(other.folder), "it took away what was its own");
  equal(registryProcesses(other.folder), 0);
  check(exists(server.name), "and nothing of ours");
  equal((await fetch(`http://${ours.registry.host}/v2/`, { headers: basic("lab", "ours") })).status, 200);
});

await test("what a killed test has left is removed by the next start, and only that", async () => {
  const [killed, lives] = await Promise.all([startOwner(), startOwner()]);
  await killed.ended("SIGKILL");
  check(exists(killed.name) && registryProcesses(killed.folder) === 2, "it left its server and its registry");
  const next = await startLab({ servers: [{ kind: 12, dockerd: false }], registry: false });
  check(!exists(killed.name) && !existsSync(killed.folder), "they are gone");
  equal(registryProcesses(killed.folder), 0);
  check([next.servers[0], server, lives].every(({ name }) => exists(name)), "all others are there");
  equal(registryProcesses(lives.folder), 2);
  await lives.ended("SIGTERM");
  await next.stop();
  check(!exists(next.servers[0].name) && !exists(lives.name), "these too, in the end");
});

await test("the developer's lab stays, says so when it is started again, and goes when it is told to", () => {
  const name = `wl-lab-test-${process.pid}`;
  const lab = (verb) => spawnSync(join(top, "tests/lab/lab.sh"), [verb], { env: { ...process.env, WL_LAB_NAME: name, WL_LAB_OWNER: String(process.pid) }, encoding: "utf8" });
  try {
    const first = lab("up");
    equal(first.status, 0, first.stderr);
    const connect = first.stdout.match(/^Debian 12 +ssh -F (\S+) (\S+)$/m);
    equal(spawnSync("ssh", ["-o", "BatchMode=yes", "-F", connect[1], connect[2], "id -un"], { encoding: "utf8" }).stdout, "deploy\n");
    const second = lab("up");
    check(second.stdout.startsWith("The lab is running already.\n") && second.stdout.endsWith(first.stdout), second.stdout);
    // One of its machines is lost: the lab is replaced as a whole.
    docker(["kill", `${name}-13`]);
    equal(lab("up").status, 0);
    equal(docker(["ps", "-q", "--filter", `name=^${name}-1[23]$`]).split("\n").length, 2);
  } finally {
    equal(lab("down").status, 0);
  }
  check(!exists(`${name}-12`) && !exists(`${name}-13`), "gone");
});

await lib.done();
