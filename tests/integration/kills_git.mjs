#!/usr/bin/env node
// The recipe `git` with everything killed in every step (lib/kills.mjs says how): accounts of one Debian 13 server, its git server, its Docker engine that builds, and Compose v2.
import * as lib from "../lib/product.mjs";
import { baseLayer, missing, startLab } from "../lib/lab.mjs";
import * as stack from "../scenarios/lib/compose.mjs";
import { startGit } from "../scenarios/lib/gitserver.mjs";
import { NOT_OWN, OWN, killEverything } from "./lib/kills.mjs";
import { accountsOf } from "./lib/kills_accounts.mjs";

const why = await missing();
if (why) {
  await lib.test("everything killed in every step of the recipe git", () => ({ skip: why }));
  await lib.done();
}

const { servers: [server] } = await startLab({ servers: [{ kind: 13 }], registry: false });
const git = await startGit(server, "stack");
await git.allow();
await server.exec("docker import - lab-base:1", { input: baseLayer() });
const FILE = `services:
  backend:
    build: .
    restart: "no"
    ports: ["127.0.0.1:\${APP_PORT}:8000"]
`;
const commits = {
  good: await git.commit({ "docker-compose.yml": FILE, Dockerfile: 'FROM lab-base:1\nCOPY app/ /app/\nCMD ["/app/app", "backend"]\n', "app/VERSION": "good\n" }, { tag: "good" }),
  bad: await git.commit({ "app/VERSION": "bad\n", "app/FAULT": "crash=0\n" }, { tag: "bad" }), // ends at once, and is not started again
};
const newAccount = await accountsOf(server);

// The health address is out of reach while the test wants to meet the step in its middle: the runner says so and asks again.
const untilItAnswers = {
  arm: (target) => target.shut(),
  isReached: (target, log) => log.includes("w Not healthy yet: "),
  letGo: (target) => target.open(),
};

await killEverything({
  name: "git",
  skips: NOT_OWN,
  good: "good",
  bad: "bad",
  fails: "settle",
  newTarget: async () => {
    const target = await newAccount();
    await server.exec(`install -m 600 -o ${target.name} /root/deploy /home/${target.name}/.ssh/id_ed25519`);
    return target;
  },
  newApp: async (client) => await stack.createApp(client, "stack"),
  newEnvironment: async (client, slug, target) => {
    const values = { slug, tier: "staging", [`server.${slug}`]: "1" };
    const settings = {
      repository: git.repository, known_hosts: git.hostKeys, builder: "classic", pull: "missing", project: target.name, deploy_dir: "stack", soak_s: "0", health_port: String(target.appPort),
      health_count: "1", health_soak_s: "0", health_deadline_s: "60", build_memory: "0", ...Object.fromEntries(OWN.map((name) => [name, "backend: true"])),
    };
    for (const [key, value] of Object.entries(settings)) values[`settings.${key}`] = value;
    const created = await client.submit("/apps/stack/new?recipe=git", values);
    const environment = { app: "stack", slug, href: `/apps/stack/${slug}`, project: target.name };
    lib.equal(created.url, environment.href, `environment created: ${created.status} ${stack.errorsOf(created)}`);
    await stack.saveSecrets(client, environment, { APP_PORT: String(target.appPort) });
    return environment;
  },
  truth: async (target) => {
    const seen = await stack.containers(server, target.name);
    lib.equal(Object.keys(seen).join(), "backend", "containers");
    const { status, version } = JSON.parse(await stack.inside(server, target.appPort, "/health"));
    lib.equal((await server.exec(`git -C /home/${target.name}/stack/current rev-parse HEAD`)).trim(), commits[version], "the checkout that is live is that of the version that answers");
    return { healthy: status === "healthy" && seen.backend.status === "running", version };
  },
  isOfApp: () => false,
  halfway: { health: untilItAnswers, health_old: untilItAnswers },
  look: async (target) => {
    lib.equal((await server.exec(`docker ps -q --filter label=windlass.hook --filter label=com.docker.compose.project=${target.name}`)).trim(), "", "commands that still run");
    const trees = (await server.exec(`ls /home/${target.name}/stack/releases`)).split("\n").filter((name) => name.endsWith(".part"));
    lib.equal(trees.join(), "", "half a checkout is left");
  },
});
await lib.done();
