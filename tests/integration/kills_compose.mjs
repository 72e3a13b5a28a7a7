#!/usr/bin/env node
// The recipe `compose` with everything killed in every step (lib/kills.mjs says how): accounts of one Debian 13 server, its Docker engine and Compose v2.
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "../scenarios/lib/compose.mjs";
import { NOT_OWN, OWN, killEverything } from "./lib/kills.mjs";
import { accountsOf } from "./lib/kills_accounts.mjs";

const why = await missing();
if (why) {
  await lib.test("everything killed in every step of the recipe compose", () => ({ skip: why }));
  await lib.done();
}

const { servers: [server], registry } = await startLab({ servers: [{ kind: 13 }] });
// Without a health check of Docker's: ten a second are more work than all the deploys.
const good = await registry.push("chat-backend", "good", { health: false });
await registry.push("chat-backend", "bad", { fault: "crash=0", health: false }); // ends at once, and is not started again
const newTarget = await accountsOf(server);

const file = (port) => `services:
  backend:
    image: ${registry.host}/chat-backend:\${TAG}
    restart: "no"
    ports: ["127.0.0.1:${port}:8000"]
    environment: [LAB_PLACE=${port}]
`;

// The health address is out of reach while the test wants to meet the step in its middle: the runner says so and asks again.
const untilItAnswers = {
  arm: (target) => target.shut(),
  isReached: (target, log) => log.includes("w Not healthy yet: "),
  letGo: (target) => target.open(),
};

await killEverything({
  name: "compose",
  skips: NOT_OWN,
  good: "good",
  bad: "bad",
  fails: "settle",
  newTarget,
  newApp: async (client) => {
    await stack.addRegistry(client, registry);
    await stack.createApp(client);
  },
  newEnvironment: async (client, slug, target) =>
    await stack.createEnvironment(client, slug, {
      server: slug,
      file: file(target.appPort),
      // A project's name is the engine's, which all accounts share; several products make the same environments.
      settings: { project: target.name, deploy_dir: "stack", soak_s: "0", health_port: String(target.appPort), health_count: "1", health_soak_s: "0", health_deadline_s: "60",
        ...Object.fromEntries(OWN.map((name) => [name, "backend: true"])) },
    }),
  truth: async (target) => {
    const seen = await stack.containers(server, target.name);
    lib.equal(Object.keys(seen).join(), "backend", "containers");
    lib.equal(seen.backend.image, good.id, "the image that runs");
    const { status, version } = JSON.parse(await stack.inside(server, target.appPort, "/health"));
    lib.check((await target.read("stack/.env")).includes(`TAG="${version}"`), "the .env in place is that of the version that answers");
    return { healthy: status === "healthy" && seen.backend.status === "running", version };
  },
  isOfApp: () => false,
  halfway: { health: untilItAnswers, health_old: untilItAnswers },
});
await lib.done();
