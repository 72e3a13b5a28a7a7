#!/usr/bin/env node
// Guide 002, in clicks instead of with Kamal: one image with SQLite on a volume and two workers, behind the server's own nginx, on Debian 12. From an empty target to live by
// following what Windlass says, then a new version, failed ones, an older one, and without nginx. What Windlass says is compared with what the engine says and what
// people get through nginx.
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";
import * as image from "./lib/image.mjs";
import { CORPUS, differences, readEnviron } from "./lib/values.mjs";

const { test, check, equal } = lib;
const { flow } = stack;

const why = await missing();
if (why) {
  await test("guide 002 on a real server with nginx", () => ({ skip: why }));
  await lib.done();
}

const [product, place] = await Promise.all([lib.startProduct(), startLab({ servers: [{ kind: 12 }] })]);
const { servers: [server], registry } = place;
const client = await flow.setUp(product);
const images = {};
for (const tag of ["1.0.0", "1.1.0"]) images[tag] = await registry.push("shop", tag, { health: false });
await registry.push("shop", "never-healthy", { fault: "unhealthy", health: false });
await stack.addRegistry(client, registry);
await stack.createApp(client, "shop");
await flow.addServer(client, server, "web");
const environment = await image.createEnvironment(client, "production", { server: "web", registry, settings: { volumes: "shop_data:/app/data", keep: "2", health_deadline_s: "6", workers: "worker: /app/app worker\nmailer: /app/app worker 'x y'" } });
const { project } = environment;
const deploy = (version, where = environment) => flow.deploy(client, where, version, 120000);
const causeOf = (model) => stack.failedStep(model)?.cause ?? "";

const release = (n) => ["mailer", "web", "worker"].map((role) => `${project}-${role}-v${n}`).join(" ");

async function goesLive(version, where) {
  const model = await deploy(version, where);
  equal(model.job.status.state, "live", `${version}: ${model.job.summary} ${causeOf(model)}`);
  return model;
}

await test("what the server lacks is told before anything is touched, each with the line that mends it; following them leads to nginx ready", async () => {
  await image.writeSite(server, project);
  const fixes = [];
  for (const [words, run] of [
    [/sudo does not let deploy test and reload nginx\. Fix: put this line into \/etc\/sudoers\.d\/windlass: (.*)$/, (line) => `echo '${line}' >/etc/sudoers.d/windlass && visudo -cf /etc/sudoers.d/windlass`],
    [/deploy cannot write \/etc\/nginx\/windlass\/shop-production\.conf\. Fix: (.*)$/, (line) => line],
    [/nginx does not take in \/etc\/nginx\/windlass\/shop-production\.conf\. Fix: (.*)$/, (line) => line],
    [/nginx does not run here\. Fix: (.*)$/, () => "mv /etc/nginx/sites-enabled/shop /root/; nginx; mv /root/shop /etc/nginx/sites-enabled/; rm -f /etc/nginx/sites-enabled/default"],
  ]) {
    const model = await deploy("1.0.0");
    equal(model.job.status.state, "failed", model.job.summary);
    const fix = causeOf(model).match(words);
    check(fix, `${words} in: ${causeOf(model)}`);
    await server.exec(run(fix[1]));
    fixes.push(fix[1]);
    equal(Object.keys(await image.containers(server, project)).length, 0, "no container");
  }
  equal(fixes[0], "deploy ALL=(root) NOPASSWD: /usr/sbin/nginx -t, /usr/sbin/nginx -s reload", "sudo's line is of two commands and no more");
});

await test("the first deploy goes live through nginx: the digest that was pulled is recorded and is what runs", async () => {
  await stack.saveTable(client, environment, CORPUS, (key, value) => (value === "" ? "plain" : "secret"));
  await stack.addFile(client, environment, { key: "RAILS_KEY", path: "config/master.key", kind: "secret", mode: "0400", value: "0123456789abcdef\n", action: "save" });
  await goesLive("1.0.0");
  equal(await image.versionAt(server), "1.0.0");
  const seen = (await image.containers(server, project))[`${project}-web-v5`];
  equal(seen?.image, images["1.0.0"].id, "the image");
  equal(seen.named, images["1.0.0"].pinned, "named by its digest");
  equal(seen.ports, "127.0.0.1:8100");
  equal(seen.policy, "unless-stopped");
  const { environment: card, look } = await client.json(environment.href);
  equal(card.live.images[0].digest, images["1.0.0"].pinned, "the release's digest");
  equal(look.containers.find((c) => c.service === "web").ports[0].text, "127.0.0.1:8100 → 8000/tcp");
  equal(look.containers.length, 3, "web and both workers on the page");
  equal(await image.running(server, project), release(5));
});

await test("every value arrives byte for byte in the process; the file is 0600, and no value is in an argument or in Windlass' log", async () => {
  equal(await server.exec(`docker exec ${project}-web-v5 cat /run/secrets/config/master.key; docker exec ${project}-worker-v5 stat -c '%a' /run/secrets/config/master.key`), "0123456789abcdef\n400\n", "the secret file");
  const environ = readEnviron(Buffer.from((await server.exec(`docker exec ${project}-web-v5 cat /proc/1/environ | base64 -w0`)).trim(), "base64"));
  equal(differences(CORPUS, environ), "");
  equal((await server.exec(`stat -c '%a %U' ${server.home}/apps/${project}/.windlass/releases/*/.env | sort -u`)).trim(), "600 deploy");
  const log = flow.logText(product, product.sql("SELECT id FROM job ORDER BY created_at DESC LIMIT 1")[0].id);
  for (const [key, value] of Object.entries(CORPUS)) check(value.length < 24 || !log.includes(value), `${key} is in the log`);
});

await test("the plan says that nothing stops serving, and which image comes", async () => {
  const { plan, is_tag } = await client.json(`${environment.href}/deploy?version=1.1.0`);
  check(is_tag, "the version is a tag");
  equal(plan.downtime.text, "0 s");
  const change = plan.changes.find((c) => c.name === "Image of web");
  equal(change.after, `${registry.host}/shop:1.1.0`);
  check((await client.get(`${environment.href}/deploy?version=1.1.0`)).text.includes("Downtime <strong>0 s</strong>"), "on the page");
});

await test("a new version takes over without one failed request; the old container is stopped and kept, the volume stays", async () => {
  const stop = image.crowd(server);
  await goesLive("1.1.0");
  const seen = await stop();
  equal(seen.bad.join(), "", `failed of ${seen.answers} requests`);
  equal([...seen.versions].sort().join(), "1.0.0,1.1.0", "versions that answered");
  const all = await image.containers(server, project);
  equal(all[`${project}-web-v5`].state, "exited", "the old one");
  equal(all[`${project}-web-v6`].ports, "127.0.0.1:8101");
  equal(await image.running(server, project), release(6), "the workers followed");
  const starts = (await image.ask(server, "/data")).body.toString().trim().split("\n").map((line) => line.split(" ")[0]);
  equal(starts.filter((version) => version === "1.0.0").length, 3, "lines of the first release's containers are in the volume");
});

// Nobody notices, and what ran was left alone.
async function changesNothing(version, words, served) {
  const before = await image.containers(server, project);
  const stop = image.crowd(server);
  const model = await deploy(version);
  const seen = await stop();
  equal(model.job.status.state, "reverted", model.job.summary);
  check(words.test(model.job.summary) && model.job.summary.includes(served), model.job.summary);
  equal(seen.bad.join(), "", `failed of ${seen.answers} requests`);
  equal(await image.running(server, project), release(6));
  const after = await image.containers(server, project);
  for (const name of release(6).split(" ")) equal(after[name].started, before[name].started, `${name} was left alone`);
  return seen;
}

await test("a version that never becomes healthy changes nothing for anybody: the old one served all the time, and its workers behind the barrier were not touched", async () => {
  const seen = await changesNothing("never-healthy", /did not become healthy .* 503/, "The old release served all the time");
  equal([...seen.versions].join(), "1.1.0");
});

await test("a worker that ends brings everything back, nginx too, without a failed request", async () => {
  await stack.change(client, environment, { workers: "worker: /app/app worker crash=0\nmailer: /app/app worker" });
  const seen = await changesNothing("1.0.0", /worker-v8 has ended with exit code 1/, "The old release serves again");
  equal([...seen.versions].sort().join(), "1.0.0,1.1.0", "the new one served for a moment");
});

await test("the older version comes back the same way, from the same bytes; a role that is no more is stopped, what was never live is cleared away", async () => {
  await stack.change(client, environment, { workers: "worker: /app/app worker" });
  await goesLive("1.0.0");
  equal(await image.versionAt(server), "1.0.0");
  equal(await image.running(server, project), `${project}-web-v9 ${project}-worker-v9`);
  const all = await image.containers(server, project);
  equal(Object.keys(all).sort().join(" "), `${project}-mailer-v6 ${project}-web-v6 ${project}-web-v9 ${project}-worker-v6 ${project}-worker-v9`, "two releases are kept, the failed ones are not among them");
  equal(all[`${project}-web-v9`].image, images["1.0.0"].id);
});

await test("what breaks nginx' configuration is named; it is not reloaded, and the old version serves", async () => {
  await server.exec("echo 'nonsense;' >/etc/nginx/conf.d/zz.conf");
  const model = await deploy("1.1.0");
  equal(model.job.status.state, "failed", model.job.summary);
  check(/has a mistake already, before this deploy: unknown directive "nonsense"/.test(causeOf(model)), causeOf(model));
  await server.exec("rm /etc/nginx/conf.d/zz.conf");
  equal(await image.versionAt(server), "1.0.0");
});

await test("a site that does not use the upstream is noticed after the reload, and everything is as it was", async () => {
  await image.writeSite(server, "127.0.0.1:8100"); // where v9 is
  const model = await deploy("1.1.0");
  equal(model.job.status.state, "reverted", model.job.summary);
  check(/does not arrive at the new container on port 8101\. Fix: the site's configuration must say proxy_pass http:\/\/shop-production;/.test(causeOf(model)), causeOf(model));
  await image.writeSite(server, project);
  await server.exec("nginx -s reload");
  equal(await image.versionAt(server), "1.0.0");
});

await test("stopped, nothing of it runs; started, it is the same release behind nginx; a command and the log tell what is inside", async () => {
  const stop = await flow.operate(client, environment, "stop", 120000);
  equal(stop.job.status.state, "ok", stop.job.summary);
  equal(await image.running(server, project), "");
  const start = await flow.operate(client, environment, "start", 120000);
  equal(start.job.status.state, "ok", `${start.job.summary} ${causeOf(start)}`);
  equal(await image.versionAt(server), "1.0.0");
  const command = await flow.command(client, environment, { service: "web", command: "echo inside; exit 4" });
  check(command.job.summary.includes("ended with status 4"), command.job.summary);
  check(flow.logText(product, command.job.id).includes("inside"), "its output is kept");
  equal((await flow.logs(client, environment, { service: "web" })).job.status.state, "ok");
  if (process.env.WL_TEST_ALL !== "1") return;
  equal((await flow.operate(client, environment, "restart", 120000)).job.status.state, "ok");
  equal(await image.versionAt(server), "1.0.0");
});

await test("the maintenance page answers 503 with Retry-After while the app runs on, and goes again; a deploy leaves it on", async () => {
  const on = await flow.operate(client, environment, "maintenance_on", 120000);
  equal(on.job.status.state, "ok", `${on.job.summary} ${causeOf(on)}`);
  const head = await server.exec(`curl -s -D - -m 5 -H 'Host: ${image.SITE}' http://127.0.0.1/`);
  check(/^HTTP\/1.1 503/.test(head) && /^retry-after: 120/im.test(head) && head.includes("Back soon"), head);
  check((await image.running(server, project)).includes("web"), "the app runs on");
  check((await client.get(environment.href)).text.includes("The maintenance page is shown since"), "the page says so");
  if (process.env.WL_TEST_ALL === "1") {
    const model = await deploy("1.1.0");
    equal(model.job.status.state, "live", `${model.job.summary} ${causeOf(model)}`);
    check(flow.logText(product, model.job.id).includes("The maintenance page stays on"), "the deploy says so");
    equal((await deploy("1.0.0")).job.status.state, "live");
  }
  const off = await flow.operate(client, environment, "maintenance_off", 120000);
  equal(off.job.status.state, "ok", `${off.job.summary} ${causeOf(off)}`);
  equal(await image.versionAt(server), "1.0.0");
});

await test("without nginx the plan says so, and the old container ends before the new one starts; a version that fails brings it back", async () => {
  const plain = await image.createEnvironment(client, "plain", { server: "web", registry, settings: { site_url: "", ports: "8200", volumes: "plain_data:/app/data" } });
  await goesLive("1.1.0", plain);
  equal((await client.json(`${plain.href}/deploy?version=1.0.0`)).plan.downtime.text, "some seconds");
  equal(JSON.parse(await stack.inside(server, 8200, "/health")).version, "1.1.0");
  const model = await deploy("never-healthy", plain);
  equal(model.job.status.state, "reverted", model.job.summary);
  check(model.job.summary.includes("The old release serves again"), model.job.summary);
  equal(JSON.parse(await stack.inside(server, 8200, "/health")).version, "1.1.0");
});

await test("the history holds", () => product.windlass("audit", "verify"));
await lib.done();
