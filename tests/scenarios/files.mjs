#!/usr/bin/env node
// Secret files on real engines: an Ed25519 pair that the editor generated is mounted into a container and read there byte for byte; other bytes start the
// container anew; a broken release brings the old files back; a removed secret's file is gone. On a Debian 12 server (Compose v1) and a Debian 13 server (v2).
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";

const { test, check, equal } = lib;
const { flow } = stack;

const why = await missing();
if (why) {
  await test("secret files on real Docker engines", () => ({ skip: why }));
  await lib.done();
}

const [product, place] = await Promise.all([lib.startProduct(), startLab({ servers: [{ kind: 12 }, { kind: 13 }] })]);
const { servers, registry } = place;
const client = await flow.setUp(product);
await registry.push("chat-backend", "good", {});
await registry.push("chat-backend", "bad", { fault: "unhealthy" });
await stack.addRegistry(client, registry);
await stack.createApp(client);

const file = `services:
  backend:
    image: ${registry.host}/chat-backend:\${TAG}
    restart: unless-stopped
    ports: ["127.0.0.1:8000:8000"]
    volumes:
      - ./keys/jwt.pem:/run/keys/jwt.pem:ro
    healthcheck:
      test: ["CMD", "wget", "-q", "-O", "-", "http://127.0.0.1:8000/health"]
      interval: 3s
      timeout: 2s
      retries: 3
`;
const environments = new Map();
for (const server of servers) {
  await flow.addServer(client, server, `debian${server.kind}`);
  environments.set(server, await stack.createEnvironment(client, `on${server.kind}`, { server: `debian${server.kind}`, file, settings: { soak_s: "0", health_count: "1", health_soak_s: "0", health_deadline_s: "10" } }));
}

// On both servers at the same time, told for each.
async function onBoth(name, body) {
  const ends = await Promise.all(servers.map((server) => body(server, environments.get(server)).then(() => null, (error) => error)));
  for (const [i, server] of servers.entries())
    await test(`Debian ${server.kind}: ${name}`, () => {
      if (ends[i]) throw ends[i];
    });
}

const folderOf = (server, environment) => `${server.home}/apps/${environment.project}`;
const bytesOf = async (server, command) => Buffer.from((await server.exec(`${command} | base64 -w 0`)).trim(), "base64");
const onDisk = (server, environment, path) => bytesOf(server, `cat ${folderOf(server, environment)}/${path}`);
const names = async (server, environment) => (await server.exec(`cd ${folderOf(server, environment)} && find . -path ./.windlass -prune -o -type f -print | sort`)).split("\n").filter(Boolean).join(" ");

async function inContainer(server, environment) {
  const { backend } = await stack.containers(server, environment.project);
  return await bytesOf(server, `docker exec ${backend.name} cat /run/keys/jwt.pem`);
}

async function changeFile(environment, key, value) {
  const href = `${environment.href}/secrets/key/${key}`;
  const fields = client.fields(await client.get(href), href);
  fields.set("value", value);
  fields.set("action", "save");
  const saved = await flow.saveReviewed(client, await client.raw("POST", href, { body: fields }));
  equal(saved.status, 200, `saved: ${stack.errorsOf(saved)}`);
}

async function removeSecret(environment, key) {
  const href = `${environment.href}/secrets/key/${key}`;
  const fields = client.fields(await client.get(href), href);
  fields.set("action", "remove");
  const saved = await flow.saveReviewed(client, await client.raw("POST", href, { body: fields }));
  equal(saved.status, 200, `saved: ${stack.errorsOf(saved)}`);
  check(!saved.text.includes(`<code>${key}</code>`), `${key} is gone from the set`);
}

const deploy = async (environment, tag, state) => {
  const model = await flow.deploy(client, environment, tag, 120000);
  equal(model.job.status.state, state, `${model.job.summary} ${stack.failedStep(model)?.cause}`);
  return model;
};

const firstKeys = new Map();

await onBoth("a generated pair is mounted into the container, byte for byte", async (server, environment) => {
  await stack.addFile(client, environment, { key: "JWT_KEY", path: "keys/jwt.pem", mode: "0600", generator: "ed25519", action: "generate" });
  await deploy(environment, "good", "live");
  const seen = await inContainer(server, environment);
  check((await onDisk(server, environment, "keys/jwt.pem")).equals(seen), "the container reads the file of the project folder");
  const pair = [createPrivateKey(seen), createPublicKey(await onDisk(server, environment, "keys/jwt.pem.pub"))];
  equal(pair[0].asymmetricKeyType, "ed25519");
  check(verify(null, Buffer.from("signed"), pair[1], sign(null, Buffer.from("signed"), pair[0])), "the public file belongs to the private one");
  equal(await names(server, environment), "./.env ./docker-compose.override.yml ./docker-compose.yml ./keys/jwt.pem ./keys/jwt.pem.pub");
  const modes = await server.exec(`cd ${folderOf(server, environment)} && stat -c '%a %U' keys keys/jwt.pem keys/jwt.pem.pub`);
  equal(modes, `700 ${server.user}\n600 ${server.user}\n644 ${server.user}\n`);
  firstKeys.set(server, seen);
});

await onBoth("the same files leave the container alone", async (server, environment) => {
  const before = await stack.containers(server, environment.project);
  await deploy(environment, "good", "live");
  const after = await stack.containers(server, environment.project);
  equal(after.backend.started, before.backend.started, "it was not started again");
  check((await inContainer(server, environment)).equals(firstKeys.get(server)), "and has its file");
});

await onBoth("a release that breaks brings the old files back, also for the container", async (server, environment) => {
  await changeFile(environment, "JWT_KEY", "another key\n");
  await stack.addFile(client, environment, { key: "NOTE", path: "more/note.txt", kind: "plain", mode: "0444", value: "only of the broken release", action: "save" });
  await deploy(environment, "bad", "reverted");
  check((await inContainer(server, environment)).equals(firstKeys.get(server)), "the container has the old key again");
  check((await onDisk(server, environment, "keys/jwt.pem")).equals(firstKeys.get(server)), "as has the folder");
  equal(await names(server, environment), "./.env ./docker-compose.override.yml ./docker-compose.yml ./keys/jwt.pem ./keys/jwt.pem.pub", "the new file is gone");
});

await onBoth("other bytes reach the container although nothing else has changed", async (server, environment) => {
  await deploy(environment, "good", "live");
  equal((await inContainer(server, environment)).toString(), "another key\n");
  equal((await onDisk(server, environment, "more/note.txt")).toString(), "only of the broken release");
});

await onBoth("a removed secret's file is gone, and a folder in the way is told in words", async (server, environment) => {
  await removeSecret(environment, "NOTE");
  await removeSecret(environment, "JWT_KEY_PUBLIC");
  await deploy(environment, "good", "live");
  equal(await names(server, environment), "./.env ./docker-compose.override.yml ./docker-compose.yml ./keys/jwt.pem");
  equal((await server.exec(`ls -d ${folderOf(server, environment)}/more 2>/dev/null || echo gone`)).trim(), "gone", "with the folder that was made for it");
  await server.exec(`mkdir -p ${folderOf(server, environment)}/late.txt`);
  await stack.addFile(client, environment, { key: "LATE", path: "late.txt", kind: "plain", mode: "0444", value: "late", action: "save" });
  const model = await flow.deploy(client, environment, "good", 120000);
  stack.equalFailure(model, { verdict: "failed", step: "write", cause: /late\.txt .*a folder of that name/ });
});

await test("no byte of a secret file is in a log, and what is kept on a server is the account's alone", async () => {
  const words = [...firstKeys.values()].map((key) => key.toString().split("\n")[1]).concat("another key");
  for (const { id } of product.sql("SELECT id FROM job WHERE kind = 'deploy'")) {
    const text = flow.logText(product, id);
    for (const word of words) check(!text.includes(word), `log of job ${id}`);
  }
  for (const server of servers) {
    const found = (await server.exec(`grep -rlF 'another key' ${server.home} 2>/dev/null || true`)).split("\n").filter(Boolean);
    equal(found.join(), `${folderOf(server, environments.get(server))}/keys/jwt.pem`, "nowhere else");
  }
});

await lib.done();
