#!/usr/bin/env node
// The recipe `image` with everything killed in every step (lib/kills.mjs says how): accounts of one Debian 13 server, its Docker engine and its nginx, in which each has a site and an
// upstream of its own. A worker goes along, so that no step is skipped.
import { request } from "node:http";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "../scenarios/lib/compose.mjs";
import * as image from "../scenarios/lib/image.mjs";
import { NOT_OWN, OWN, killEverything } from "./lib/kills.mjs";
import { accountsOf } from "./lib/kills_accounts.mjs";

const why = await missing();
if (why) {
  await lib.test("everything killed in every step of the recipe image", () => ({ skip: why }));
  await lib.done();
}

const { servers: [server], registry } = await startLab({ servers: [{ kind: 13 }] });
const good = await registry.push("shop", "good", { health: false });
await registry.push("shop", "bad", { fault: "crash=0", health: false }); // ends at once, and is not started again
await server.exec(`echo 'include /etc/nginx/windlass/*.conf;' >/etc/nginx/conf.d/windlass.conf
  install -d -g docker -m 2775 /etc/nginx/windlass
  echo '%docker ALL=(root) NOPASSWD: /usr/sbin/nginx -t, /usr/sbin/nginx -s reload' >/etc/sudoers.d/windlass
  rm -f /etc/nginx/sites-enabled/default; nginx`);
const newAccount = await accountsOf(server);
const portsOf = (target) => [1, 2].map((n) => 9000 + 2 * (target.appPort - 9000) + n);

async function newTarget() {
  const target = await newAccount();
  // A name that is not there yet would be everybody's: nginx reads all sites or none.
  await server.exec(`cat >/etc/nginx/sites-enabled/${target.name}`, { input: `server { listen 80; server_name ${target.name}.test; set $up ${target.name}; location / { proxy_pass http://$up; } }` });
  return target;
}

function askSite(target) {
  return new Promise((done, fail) => {
    const asked = request({ host: server.ip, path: "/health", headers: { host: `${target.name}.test`, connection: "close" }, timeout: 10000 }, (answer) => {
      let text = "";
      answer.on("data", (bytes) => (text += bytes));
      answer.on("end", () => done(text));
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", fail);
    asked.end();
  });
}

// The ports on which the health of this account's containers is asked refuse every connection, and answer again.
const wall = (target, verb) => server.exec(portsOf(target).map((port) => `iptables -${verb} OUTPUT -o lo -p tcp --dport ${port} -j REJECT --reject-with tcp-reset`).join(" && "));
const shut = new Set();
const untilItAnswers = {
  arm: async (target) => {
    if (!shut.has(target.name)) await wall(target, "I");
    shut.add(target.name);
  },
  isReached: (target, log) => log.includes("w Not healthy yet: "),
  letGo: async (target) => {
    const was = shut.delete(target.name);
    if (was) await wall(target, "D");
    return was;
  },
};

await killEverything({
  name: "image",
  skips: NOT_OWN,
  firstRow: 2,
  good: "good",
  bad: "bad",
  fails: "settle",
  newTarget,
  newApp: async (client) => {
    await stack.addRegistry(client, registry);
    await stack.createApp(client, "shop");
  },
  newEnvironment: async (client, slug, target) =>
    await image.createEnvironment(client, slug, {
      server: slug,
      registry,
      settings: {
        project: target.name, upstream: target.name, nginx_file: `/etc/nginx/windlass/${target.name}.conf`, deploy_dir: "shop", ports: portsOf(target).join(" "), site_url: `http://${target.name}.test/health`,
        workers: "worker: /app/app worker", soak_s: "0", health_deadline_s: "60", drain_s: "1", stop_s: "1",
        ...Object.fromEntries(OWN.map((name) => [name, "true"])),
      },
    }),
  truth: async (target) => {
    const names = (await image.running(server, target.name)).split(" ");
    lib.equal(names.map((name) => name.replace(/-v\d+$/, "")).join(), `${target.name}-web,${target.name}-worker`, "what runs");
    lib.equal(new Set(names.map((name) => name.match(/-v\d+$/)[0])).size, 1, "of one release");
    for (const name of names) lib.equal((await image.containers(server, target.name))[name].image, good.id, "the image that runs");
    const { status, version } = JSON.parse(await askSite(target));
    return { healthy: status === "healthy", version };
  },
  isOfApp: () => false,
  halfway: { health: untilItAnswers, health_old: untilItAnswers },
});
await lib.done();
