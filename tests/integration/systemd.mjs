#!/usr/bin/env node
// A Debian 12 machine with systemd, as a container: the release recipe restarts a unit there, and a broken release is reverted there.
// The app listens inside the container only, so its health can be seen through the SSH connection and no other way.
import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";

const { test, check, equal, until, top } = lib;

// The shell side (engine, image, container) lives as long as this process keeps its standard input open.
async function startMachine() {
  const folder = lib.scratch("machine");
  const name = `wl-systemd-${process.pid}`;
  writeFileSync(join(folder, "keys"), "");
  const script = `
    . '${top}/tests/integration/lib/container.sh'
    trap container_cleanup EXIT
    trap 'exit 1' TERM INT
    container_engine || { echo "why $CONTAINER_WHY"; exit 0; }
    container_systemd ${name} '${folder}/keys' || { echo "failed the container does not start"; exit 1; }
    echo "port $CONTAINER_PORT"
    while read -r line; do eval "$line"; echo "done $?"; done`;
  const child = spawn("bash", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (bytes) => (output += bytes));
  const machine = {
    stop: async () => {
      child.stdin.end();
      await until("the container to go", () => child.exitCode !== null || child.signalCode !== null, 60000).catch(() => child.kill("SIGTERM"));
      rmSync(folder, { recursive: true, force: true });
    },
    // Runs in the machine's shell side; its standard output is returned.
    run: async (command) => {
      const file = join(folder, "out");
      writeFileSync(join(folder, "in"), command);
      output = "";
      child.stdin.write(`docker exec -i ${name} bash -s <'${folder}/in' >'${file}' 2>&1\n`);
      await until(command, () => /^done \d+$/m.test(output), 60000);
      return readFileSync(file, "utf8").trim();
    },
  };
  await until("the machine", () => /^(port|why|failed) /m.test(output), 280000, 200);
  machine.why = output.match(/^why (.*)$/m)?.[1];
  machine.port = Number(output.match(/^port (\d+)$/m)?.[1]);
  if (!machine.why && !machine.port) throw new Error(output);
  return machine;
}

const machine = await startMachine();
if (machine.why) {
  await test("systemd on a target", () => ({ skip: machine.why }));
  await machine.stop();
  await lib.done();
}

const product = await lib.startProduct();
const client = await flow.setUp(product);
let environment;

await test("a server in a container is added, confirmed and checked", async () => {
  await client.submit("/servers/new", { address: `root@127.0.0.1:${machine.port}`, slug: "box" });
  const { authorized_keys: line } = await client.json("/servers/box");
  await machine.run(`umask 077; echo '${line}' >> /root/.ssh/authorized_keys`);
  const asked = await client.json("/servers/box?ask=1");
  const print = (await machine.run("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")).split(" ")[1];
  equal(asked.presented.print, print, "the key that is shown is the machine's own");
  await client.submit("/servers/box?ask=1", {}, { action: "/servers/box/pin" });
  await client.submit("/servers/box", {}, { action: "/servers/box/check" });
  const server = await until("the check", async () => {
    const { server: seen, checks } = await client.json("/servers/box");
    return checks.length && seen.status.state !== "pinned" ? { seen, checks } : null;
  }, 60000);
  check(["ready", "failing"].includes(server.seen.status.state), server.seen.status.state);
});

await test("1.0.0 goes live under a systemd unit", async () => {
  await machine.run(`mkdir -p /srv/hello && cat > /etc/systemd/system/hello.service <<UNIT
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
  equal(await machine.run("systemctl is-active hello.service"), "active");
  check((await machine.run("readlink -f /srv/hello/current/hello")).includes("/srv/hello/releases/"), "the unit runs the release");
});

await test("the broken 1.2.0 is reverted: the unit runs 1.0.0 again", async () => {
  const model = await flow.deploy(client, environment, "1.2.0", 180000);
  equal(model.job.status.state, "reverted", model.job.summary);
  equal(await machine.run("systemctl is-active hello.service"), "active");
  const seen = await machine.run("exec 3<>/dev/tcp/127.0.0.1/8123; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3");
  check(seen.includes('"1.0.0"'), seen);
});

await test("a reboot of the machine in the middle of a deploy: never green by guess", async () => {
  await client.submit(`${environment.href}/settings`, { "settings.migrate_command": "echo began >> /root/trace; sleep 8; echo ended >> /root/trace" });
  const id = await flow.startDeploy(client, environment, "1.1.0");
  await until("the migrate step", async () => (await machine.run("cat /root/trace")).includes("began"), 60000, 300);
  await machine.run("systemctl kill --signal=KILL ssh.service; pkill -KILL -f /migrate; for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline 2>/dev/null | grep -q 'wrapper.sh\\|sleep 8' && kill -9 ${p#/proc/}; done; systemctl start ssh");
  const model = await flow.waitForJob(client, id, 200000);
  check(["unknown", "failed"].includes(model.job.status.state), `${model.job.status.state}: ${model.job.summary}`);
  equal(flow.step(model, "migrate").status.state, "unknown", "the step that was cut off midway");
  equal((await machine.run("cat /root/trace")).trim(), "began", "and it was not run again");
});

await product.stop();
await machine.stop();
await test("nothing is left running", () => equal(product.leftovers.map((p) => p.command.join(" ")).join("; "), ""));
await lib.done();
