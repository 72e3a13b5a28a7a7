#!/usr/bin/env node
// A Debian 12 machine with systemd, as a container: the release recipe restarts a unit there, and a broken release is reverted there.
// The app listens inside the container only, so its health can be seen through the SSH connection and no other way.
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";
import { missing, startServer } from "../lib/lab.mjs";

const { test, check, equal, until } = lib;

const why = await missing();
if (why) {
  await test("systemd on a target", () => ({ skip: why }));
  await lib.done();
}
const machine = await startServer({ kind: "systemd" });
// The text goes in by standard input: some of it looks for processes by their words.
const run = async (command) => (await machine.exec("bash -s 2>&1 || :", { input: command })).trim();

const product = await lib.startProduct();
const client = await flow.setUp(product);
let environment;

await test("a server in a container is added, confirmed and checked", async () => {
  await flow.addServer(client, machine);
  await client.submit("/servers/box", {}, { action: "/servers/box/check" });
  const server = await until("the check", async () => {
    const { server: seen, checks } = await client.json("/servers/box");
    return checks.length && seen.status.state !== "pinned" ? { seen, checks } : null;
  }, 60000);
  check(["ready", "failing"].includes(server.seen.status.state), server.seen.status.state);
});

await test("1.0.0 goes live under a systemd unit", async () => {
  await run(`mkdir -p /srv/hello && cat > /etc/systemd/system/hello.service <<UNIT
[Service]
WorkingDirectory=/srv/hello/current
EnvironmentFile=-/srv/hello/shared/.env
Environment=PORT=8123
ExecStart=/srv/hello/current/hello
Restart=on-failure
UNIT
systemctl daemon-reload`);
  await flow.createApp(client);
  environment = await flow.createEnvironment(client, {
    slug: "production", tier: "production",
    settings: { ...flow.helloSettings("x", 8123), deploy_dir: "/srv/hello", start_command: "", unit: "hello.service" },
  });
  const model = await flow.deploy(client, environment, "1.0.0");
  equal(model.job.status.state, "live", `${model.job.summary} ${JSON.stringify(model.hosts[0].steps.map((s) => [s.name, s.cause]))}`);
  equal(await run("systemctl is-active hello.service"), "active");
  check((await run("readlink -f /srv/hello/current/hello")).includes("/srv/hello/releases/"), "the unit runs the release");
});

await test("the broken 1.2.0 is reverted: the unit runs 1.0.0 again", async () => {
  const model = await flow.deploy(client, environment, "1.2.0", 180000);
  equal(model.job.status.state, "reverted", model.job.summary);
  equal(await run("systemctl is-active hello.service"), "active");
  const seen = await run("exec 3<>/dev/tcp/127.0.0.1/8123; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3");
  check(seen.includes('"1.0.0"'), seen);
});

await test("a reboot of the machine in the middle of a deploy: never green by guess", async () => {
  await client.submit(`${environment.href}/settings`, { "settings.migrate_command": "echo began >> /root/trace; sleep 8; echo ended >> /root/trace" });
  const id = await flow.startDeploy(client, environment, "1.1.0");
  await until("the migrate step", async () => (await run("cat /root/trace")).includes("began"), 60000, 300);
  await run("systemctl kill --signal=KILL ssh.service; pkill -KILL -f /migrate; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q 'wrapper.sh\\|sleep 8' && kill -9 ${p#/proc/}; done; systemctl start ssh");
  const model = await flow.waitForJob(client, id, 200000);
  check(["unknown", "failed"].includes(model.job.status.state), `${model.job.status.state}: ${model.job.summary}`);
  equal(flow.step(model, "migrate").status.state, "unknown", "the step that was cut off midway");
  equal((await run("cat /root/trace")).trim(), "began", "and it was not run again");
});

await product.stop();
await machine.stop();
await test("nothing is left running", () => equal(product.leftovers.map((p) => p.command.join(" ")).join("; "), ""));
await lib.done();
