#!/usr/bin/env node
// Power cuts: the server, and the dashboard, go down in the middle of each step of each recipe and come back (lib/reboots.mjs). A Debian 13 server of the
// lab: every process ends at once, the boot id is another, its engine starts again. In `make test` a step of each recipe for both, all with WL_TEST_ALL=1.
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "../scenarios/lib/compose.mjs";
import * as image from "../scenarios/lib/image.mjs";
import { Stage, rebootEverywhere } from "./lib/reboots.mjs";

const { equal, check } = lib;

const why = await missing();
if (why) {
  await lib.test("power cuts in the middle of deploys", () => ({ skip: why }));
  await lib.done();
}

const all = process.env.WL_TEST_ALL === "1";
const { servers: [server], registry } = await startLab({ servers: [{ kind: 13 }] });
for (const tag of ["1.0.0", "1.1.0"]) {
  await registry.push("chat-backend", tag, { health: false });
  await registry.push("shop", tag, { health: false });
}
const stage = await Stage.start(server, ["release", "compose", "image"]);
await image.allowNginx(server);
await image.startNginx(server);
await image.writeSite(server, "shop-up"); // its upstream comes with the first deploy, before which nothing goes down here
stage.afterBoot = () => server.exec("nginx"); // Debian's own unit does so
await stack.addRegistry(stage.client, registry);
await flow.createApp(stage.client);
await stack.createApp(stage.client, "chat");
await stack.createApp(stage.client, "shop");

// --- the recipes ----------------------------------------------------------------------------------------------------------------------------
const VERSIONS = ["1.0.0", "1.1.0"];
const PORTS = { release: 8201, compose: 8202 };

// Without systemd nobody starts the app at boot: what the link names is what a unit would start; who answers, if anybody, must be of it.
const release = {
  name: "release",
  versions: VERSIONS,
  only: { server: ["migrate"], dashboard: ["restart"] },
  truth: async () => {
    const version = (await server.exec("cat /home/deploy/apps/hello/current/VERSION")).trim();
    const answer = await stack.inside(server, PORTS.release, "/health").catch(() => "");
    if (answer) equal(JSON.parse(answer).version, version, "the link, and who answers");
    return { version, healthy: true };
  },
};
const file = `services:
  backend:
    image: ${registry.host}/chat-backend:\${TAG}
    restart: unless-stopped
    ports: ["127.0.0.1:${PORTS.compose}:8000"]
`;
const compose = {
  name: "compose",
  versions: VERSIONS,
  only: { server: ["switch"], dashboard: ["settle"] },
  truth: async () => {
    const seen = await stack.containers(server, "chat-compose");
    equal(Object.keys(seen).join(), "backend", "containers");
    const { status, version } = JSON.parse(await stack.inside(server, PORTS.compose, "/health"));
    equal(seen.backend.named.split(/[:@]/).length > 1, true, "the image has a name");
    check((await server.exec("cat /home/deploy/apps/chat-compose/.env")).includes(`TAG="${version}"`), `the .env in place is that of ${version}, which answers`);
    return { version, healthy: status === "healthy" && seen.backend.status === "running" };
  },
};
const single = {
  name: "image",
  versions: VERSIONS,
  only: { server: ["switch"], dashboard: ["start"] },
  truth: async () => {
    const names = (await image.running(server, "shop-image")).split(" ");
    equal(names.map((name) => name.replace(/-v\d+$/, "")).join(), "shop-image-web,shop-image-worker", "what runs");
    equal(new Set(names.map((name) => name.match(/-v\d+$/)[0])).size, 1, `of one release: ${names}`);
    const { status, version } = JSON.parse((await image.ask(server)).body.toString());
    return { version, healthy: status === "healthy" };
  },
};

const more = { health_count: "1", health_soak_s: "0", health_deadline_s: "60" };
const environments = {
  release: await flow.createEnvironment(stage.client, { slug: "release", servers: ["lab"], settings: { ...flow.helloSettings("hello", PORTS.release, more), migrate_command: "echo migrated" } }),
  compose: await stack.createEnvironment(stage.client, "compose", { server: "lab", file, settings: { ...more, soak_s: "1", health_port: String(PORTS.compose) } }),
  image: await image.createEnvironment(stage.client, "image", { server: "lab", registry, settings: { ...more, upstream: "shop-up", workers: "worker: /app/app worker", soak_s: "1", drain_s: "1", stop_s: "1" } }),
};
for (const recipe of [single, compose, release]) await rebootEverywhere(stage, { ...recipe, only: all ? undefined : recipe.only }, environments[recipe.name]);
if (!all) console.log("# some steps only: all of them with WL_TEST_ALL=1 (make torture)");
await stage.product.stop();
await lib.done();
