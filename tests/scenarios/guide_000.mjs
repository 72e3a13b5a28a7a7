#!/usr/bin/env node
// Guide 000, in clicks instead of by hand: one image on two app hosts behind a host with nginx, on Debian 12 (with WL_TEST_ALL=1 the second app host is Debian 13). From empty targets to live, a
// new version, one that fails on the first host, one that fails on the second only, and back to an older one. Somebody asks through the load balancer all the time.
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";
import * as image from "./lib/image.mjs";

const { test, check, equal } = lib;
const { flow } = stack;

const why = await missing();
if (why) {
  await test("guide 000 on real servers with nginx in front", () => ({ skip: why }));
  await lib.done();
}

const all = process.env.WL_TEST_ALL === "1";
const second = all ? 13 : 12;
const [product, place] = await Promise.all([lib.startProduct(), startLab({ servers: [{ kind: 12 }, { kind: second }, { kind: 12, dockerd: false }] })]);
const { servers: [web1, web2, lb], registry } = place;
const apps = [web1, web2];
const client = await flow.setUp(product);
for (const tag of ["1.0.0", "1.1.0", "1.2.0"]) await registry.push("shop", tag, { health: false });
await stack.addRegistry(client, registry);
await stack.createApp(client, "shop");
for (const [slug, server] of [["web1", web1], ["web2", web2], ["front", lb]]) await flow.addServer(client, server, slug);

const project = "shop-production";
const environment = { app: "shop", slug: "production", href: "/apps/shop/production", project };
const quick = { soak_s: "0", health_count: "1", health_soak_s: "0", health_deadline_s: "4", drain_s: "3", stop_s: "1" };
const settings = { image: `${registry.host}/shop`, site_url: "", ports: "8030", publish_on: "0.0.0.0", volumes: "shop_data:/app/data", ...quick };
const roles = { "server.web1": "1", "server.web2": "1", "server.front": "1", "role.front": "lb" };
const deploy = (version) => flow.deploy(client, environment, version, 120000);
const upstream = async () => (await lb.exec(`awk '$1 == "server" { sub(/;.*/, ""); print $2, $3 }' /etc/nginx/windlass/${project}.conf | sort`)).trim();
const bothIn = apps.map((server) => `${server.ip}:8030`).sort().join(" \n");
const healthOf = async (server) => JSON.parse((await server.exec("curl -s -m 5 http://127.0.0.1:8030/health || echo '{}'")).trim()).version;
const versions = async () => (await Promise.all(apps.map(healthOf))).join(" ");

// The app of this version is never healthy on this one machine.
const breakOn = (server, version) => server.exec(`echo unhealthy >"$(docker volume inspect -f '{{.Mountpoint}}' shop_data)/fault-${version}"`);
const mendOn = (server, version) => server.exec(`rm "$(docker volume inspect -f '{{.Mountpoint}}' shop_data)/fault-${version}"`);

// Deploys while somebody asks through the load balancer: nobody gets anything but an answer.
async function underLoad(act, expected) {
  const stop = image.crowd(lb);
  const model = await act();
  const seen = await stop();
  equal(model.job.status.state, expected, `${model.job.summary} ${stack.failedStep(model)?.cause ?? ""}`);
  equal(seen.bad.join(), "", `failed of ${seen.answers} requests`);
  check(seen.answers > 20, `${seen.answers} requests`);
  equal(await upstream(), bothIn, "both are in the load balancer");
  return { model, seen };
}

await test("servers get their roles in the form, and the plan says which one is the load balancer and in which order the others go", async () => {
  const values = { slug: environment.slug, tier: "production", "settings.registries.lab": "1", ...roles };
  for (const [key, value] of Object.entries(settings)) values[`settings.${key}`] = value;
  const created = await client.submit("/apps/shop/new?recipe=image", values);
  equal(created.url, environment.href, `environment created: ${created.status} ${stack.errorsOf(created)}`);
  await image.allowNginx(lb);
  await image.writeSite(lb, project);
  await image.startNginx(lb).catch(() => lb.exec("mv /etc/nginx/sites-enabled/shop /root/; nginx; mv /root/shop /etc/nginx/sites-enabled/"));
  const { plan } = await client.json(`${environment.href}/deploy?version=1.0.0`);
  equal(plan.hosts.filter((host) => host.role_text === "Load balancer").map((host) => host.slug).join(), "front");
  equal(plan.rollout.groups_text, "One after another, in this order.");
});

await test("the first deploy goes live on both, and the load balancer sends requests to both", async () => {
  const model = await deploy("1.0.0");
  equal(model.job.status.state, "live", `${model.job.summary} ${model.hosts.map((host, h) => stack.failedStep(model, h)?.cause ?? "").join(" ")}`);
  equal(await versions(), "1.0.0 1.0.0");
  equal(await upstream(), bothIn);
  equal(await image.versionAt(lb), "1.0.0");
});

await test("a new version reaches one after the other, each out of the load balancer meanwhile, without a failed request", async () => {
  const { model, seen } = await underLoad(() => deploy("1.1.0"), "live");
  equal(model.job.summary, "1.1.0 is live on 2 servers, and each was seen healthy.");
  equal([...seen.versions].sort().join(), "1.0.0,1.1.0", "versions that answered");
  equal(await versions(), "1.1.0 1.1.0");
});

if (all) await test("a version that fails on the first host goes no further: the second one is not touched", async () => {
  await breakOn(web1, "1.2.0");
  const before = await image.containers(web2, project);
  const { model } = await underLoad(() => deploy("1.2.0"), "reverted");
  check(/^web1: .* Not touched: web2\./.test(model.job.summary), model.job.summary);
  equal(JSON.stringify(await image.containers(web2, project)), JSON.stringify(before), "containers of the second host");
  equal(await versions(), "1.1.0 1.1.0");
  await mendOn(web1, "1.2.0");
});

await test("a version that fails on the second host only: both go back, proven, and nobody noticed", async () => {
  await breakOn(web2, "1.2.0");
  const { model } = await underLoad(() => deploy("1.2.0"), "reverted");
  check(/^web2: .*The old release serves again, proven, on web1, web2\./.test(model.job.summary), model.job.summary);
  equal(await versions(), "1.1.0 1.1.0");
  await mendOn(web2, "1.2.0");
});

await test("back to the first release on both, in the same way", async () => {
  await underLoad(() => flow.rollback(client, environment, 1, { limitMs: 120000 }), "live");
  equal(await versions(), "1.0.0 1.0.0");
});

await test("the history holds", () => product.windlass("audit", "verify"));
await lib.done();
