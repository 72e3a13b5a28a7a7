#!/usr/bin/env node
// Guide 004, in clicks instead of by hand: a repository fetched with a deploy key and built on the server, generated key files, a wait for health; from an empty server to live, to a new
// version, to one that does not build and one that never gets healthy, and back to the exact commit that ran. Real git over ssh, a real engine that builds. On a Debian 13 server (Compose
// v2), with WL_TEST_ALL=1 on a Debian 12 server (Compose v1) as well.
import { createPublicKey } from "node:crypto";
import * as lib from "../lib/product.mjs";
import { baseLayer, missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";
import { startGit } from "./lib/gitserver.mjs";

const { test, check, equal } = lib;
const { flow } = stack;

const why = await missing();
if (why) {
  await test("guide 004 on real Docker engines", () => ({ skip: why }));
  await lib.done();
}

const kinds = process.env.WL_TEST_ALL === "1" ? [13, 12] : [Number(process.env.WL_TEST_KIND ?? 13)];
const [product, place] = await Promise.all([lib.startProduct(), startLab({ servers: kinds.map((kind) => ({ kind })), registry: false })]);
const client = await flow.setUp(product);
await stack.createApp(client, "chatalot");

// The guide's stack: a server that is built, a database beside it, keys as secrets of Compose.
const COMPOSE = `services:
  postgres:
    image: lab-base:1
    command: ["/app/app", "worker"]
    restart: unless-stopped
    volumes: [postgres_data:/app/data]
  chatalot:
    build:
      context: .
      args: [MODE]
    ports: ["127.0.0.1:8080:8000"]
    env_file: [.env]
    environment:
      JWT_PRIVATE_KEY_PATH: /run/secrets/jwt_private_key
    secrets: [jwt_private_key]
    depends_on: [postgres]
    restart: unless-stopped
secrets:
  jwt_private_key:
    file: ./secrets/jwt_private.pem
volumes:
  postgres_data:
`;
const DOCKERFILE = `FROM lab-base:1
ARG MODE=none
COPY . /src/
COPY app/ /app/
RUN echo "built as $MODE" >/app/mode
CMD ["/app/app", "backend"]
`;

for (const server of place.servers) {
  const say = (name, body) => test(`Debian ${server.kind}: ${name}`, body);
  const sayOfAll = (name, body) => (process.env.WL_TEST_ALL === "1" ? say(name, body) : null); // in every run: tests/recipes/git.sh
  const slug = `debian${server.kind}`;
  const project = `chatalot-on${server.kind}`;
  const git = await startGit(server, "chatalot");
  await server.exec("docker import - lab-base:1", { input: baseLayer() });
  await flow.addServer(client, server, slug);
  const first = await git.commit({ "docker-compose.yml": COMPOSE, Dockerfile: DOCKERFILE, "app/VERSION": "1.0.0\n", "secrets/.gitignore": "*.pem\n" }, { tag: "v1.0.0" });

  const create = async (settings) => {
    const values = { slug: `on${server.kind}`, tier: "staging", [`server.${slug}`]: "1" };
    const all = { repository: git.repository, builder: "classic", pull: "missing", build_args: 'MODE="a b"', build_memory: "900000", soak_s: "1", health_port: "8080", health_count: "1", health_soak_s: "0", health_deadline_s: "12", ...settings };
    for (const [key, value] of Object.entries(all)) values[`settings.${key}`] = value;
    return await client.submit("/apps/chatalot/new?recipe=git", values);
  };
  const environment = { href: `/apps/chatalot/on${server.kind}`, project };
  const folder = `${server.home}/apps/${project}`;
  const seen = () => stack.containers(server, project);
  const version = async () => JSON.parse(await stack.inside(server, 8080, "/health")).version;
  const release = async (number) => (await client.json(`${environment.href}/releases/${number}`)).release;
  const addSecret = async (values) => {
    const href = `${environment.href}/secrets/add`;
    const fields = client.fields(await client.get(href), href);
    for (const [name, value] of Object.entries({ action: "save", kind: "write_only", ...values })) fields.set(name, value);
    const saved = await flow.saveReviewed(client, await client.raw("POST", href, { body: fields }));
    check(saved.status === 200 && saved.text.includes(`<code>${values.key}</code>`), `${values.key} saved: ${saved.url} ${stack.errorsOf(saved)}`);
  };
  let before;

  await say("an address with a token in it, or that is none, is refused by the form", async () => {
    for (const repository of ["https://ann:token@git.example/x.git", "/srv/x.git", "ext::sh -c id", "git@-oProxyCommand=id:x"]) {
      const refused = await create({ repository });
      check(refused.status === 422 && /repository/.test(refused.text), `${repository}: ${refused.status}`);
    }
    const created = await create({});
    equal(created.url, environment.href, stack.errorsOf(created));
    const page = await client.get(`${environment.href}/deploy`);
    check(page.text.includes("Branch, tag or commit") && page.text.includes('value="main"'), "the deploy page asks for a branch, tag or commit");
    equal((await client.get(`${environment.href}/deploy?version=a..b`)).status, 422);
  });

  await say("a host key that nobody knows: nothing is sent, and it is shown for a person to compare", async () => {
    const model = await flow.deploy(client, environment, "main", 60000);
    const print = (await server.exec("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")).split(" ")[1];
    stack.equalFailure(model, { verdict: "failed", step: "checkout", cause: /^The host key of the git server 127\.0\.0\.1 is not known, so nothing was sent\./ });
    check(stack.failedStep(model).cause.includes(print), stack.failedStep(model).cause);
    check(flow.logText(product, model.job.id).includes(git.hostKeys), "the line to put into the settings is in the log");
  });

  await say("a host key that has changed is a hard stop", async () => {
    const other = git.hostKeys.replace(/.{8}$/, "AAAAAAAA");
    await stack.change(client, environment, { known_hosts: other });
    stack.equalFailure(await flow.deploy(client, environment, "main", 60000), { verdict: "failed", step: "checkout", cause: /^The git server 127\.0\.0\.1 shows another host key than the one that is known/ });
    await stack.change(client, environment, { known_hosts: git.hostKeys });
  });

  await say("a key that the git server refuses is told with its public half", async () => {
    await addSecret({ key: "DEPLOY_KEY", value: git.key, stage: "build" });
    await stack.change(client, environment, { git_secret: "DEPLOY_KEY" });
    const model = await flow.deploy(client, environment, "main", 60000);
    stack.equalFailure(model, { verdict: "failed", step: "checkout", cause: /^The git server 127\.0\.0\.1 refuses the key\./ });
    check(stack.failedStep(model).cause.includes(git.publicKey.split(" ")[1]), stack.failedStep(model).cause);
    await git.allow();
  });

  await sayOfAll("too little memory is refused before anything is fetched, where the settings say so", async () => {
    await stack.change(client, environment, { build_memory_min: "900000" });
    stack.equalFailure(await flow.deploy(client, environment, "main", 60000), { verdict: "failed", step: "prepare", cause: /^Too little memory to build: \d+ MB are free, swap included, and the settings demand 900000 MB\./ });
    await stack.change(client, environment, { build_memory_min: "0" });
  });

  await say("from empty to live: fetched, built, the generated key in the container, the exact commit recorded", async () => {
    await stack.addFile(client, environment, { key: "JWT_KEY", path: "secrets/jwt_private.pem", mode: "0600", generator: "ed25519", action: "generate" });
    await stack.saveSecrets(client, environment, { DB_PASSWORD: "a'b $c" });
    const model = await flow.deploy(client, environment, "main", 180000);
    equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
    equal(await version(), "1.0.0");
    const [row] = product.sql(`SELECT git_commit FROM release WHERE job_id = '${model.job.id}'`);
    equal(row.git_commit, first, "the release's commit");
    before = await seen();
    equal(before.chatalot.status, "running");
    const pem = await server.exec(`docker exec ${before.chatalot.name} cat /run/secrets/jwt_private_key`);
    equal(createPublicKey(pem).asymmetricKeyType, "ed25519");
    equal((await server.exec(`docker exec ${before.chatalot.name} cat /app/mode`)).trim(), "built as a b", "the build argument");
    const source = await server.exec(`docker exec ${before.chatalot.name} find /src -path /src/.git -prune -o -type f -print`);
    check(source.includes("/src/docker-compose.yml") && !/\.env\n|jwt_private/.test(source), `what was copied into the image holds no secret: ${source}`);
    equal(await stack.inside(server, 8080, "/env?DB_PASSWORD"), "a'b $c");
    equal(await stack.inside(server, 8080, "/env?DEPLOY_KEY"), "", "the app does not get the key");
    check(flow.logText(product, model.job.id).includes("WARNING: the build may run out of memory: "), "the warning about memory");
  });

  await say("the deploy key is in no file, no argument and no configuration on the server, and in no log", async () => {
    const line = git.key.split("\n")[2];
    equal((await server.exec(`grep -rlF -e '${line}' ${server.home} /tmp /etc 2>/dev/null || true`)).trim(), "");
    const set = (await server.exec(`git -C ${folder}/current config --local --list; git --git-dir=${folder}/.windlass/source.git config --local --list`)).split("\n");
    equal(set.filter((row) => /url|credential|ssh|askpass|helper/i.test(row)).join(), `remote.origin.url=${git.repository}`, "what git's configuration says");
    for (const { id } of product.sql("SELECT id FROM job WHERE kind = 'deploy'")) check(!flow.logText(product, id).includes(line), `log of ${id}`);
  });

  await say("a new version: built while the old one serves; the database's container is left alone", async () => {
    const second = await git.commit({ "app/VERSION": "1.1.0\n" });
    const database = before.postgres.started;
    const model = await flow.deploy(client, environment, "main", 180000);
    equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
    equal(await version(), "1.1.0");
    before = await seen();
    equal(before.postgres.started, database);
    equal((await server.exec(`git -C ${folder}/current rev-parse HEAD`)).trim(), second);
  });

  await say("a commit that does not build: the last lines are the cause, nothing that serves was changed", async () => {
    await git.commit({ Dockerfile: DOCKERFILE.replace("RUN echo", "RUN echo cannot find crate sqlx >&2; exit 7; echo") });
    const model = await flow.deploy(client, environment, "main", 120000);
    stack.equalFailure(model, { verdict: "failed", step: "pull", cause: /^The build of chatalot failed: .*exit 7.*Nothing that serves was changed\./ });
    check(flow.logText(product, model.job.id).includes("cannot find crate sqlx"), "its output is in the log");
    equal((await seen()).chatalot.started, before.chatalot.started, "the container was left alone");
  });

  await say("a commit that never gets healthy is reverted: the old commit serves, proven", async () => {
    await git.commit({ Dockerfile: DOCKERFILE, "app/VERSION": "1.2.0\n", "app/FAULT": "unhealthy\n" });
    const model = await flow.deploy(client, environment, "main", 180000);
    equal(model.job.status.state, "reverted", `${model.job.summary}`);
    equal(await version(), "1.1.0");
    equal((await seen()).chatalot.image, before.chatalot.image, "the very image");
  });

  await sayOfAll("a branch that is not there, and a commit without its Compose file, are told in words", async () => {
    stack.equalFailure(await flow.deploy(client, environment, "feature/none", 60000), { verdict: "failed", step: "checkout", cause: /^There is no branch, tag or commit feature\/none in / });
    await git.commit({ "docker-compose.yml": null, "deploy/my-compose.yml": COMPOSE });
    stack.equalFailure(await flow.deploy(client, environment, "main", 60000), { verdict: "failed", step: "checkout", cause: /^The commit has no docker-compose\.yml\..* there is: deploy\/my-compose\.yml/ });
  });

  await say("rolled back to the exact commit, although branch and image are others by now", async () => {
    const [old] = product.sql(`SELECT number FROM release r JOIN environment e ON e.id = r.environment_id WHERE e.slug = 'on${server.kind}' AND r.outcome = 'live' ORDER BY number LIMIT 1`);
    await git.run("git tag -d v1.0.0 >/dev/null; git push -q origin :refs/tags/v1.0.0");
    const image = (await release(old.number)).images.find((row) => row.service === "chatalot").digest;
    await server.exec(`docker image rm -f ${image}`);
    const model = await flow.rollback(client, environment, old.number, { limitMs: 180000 });
    equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
    equal(await version(), "1.0.0");
    equal((await server.exec(`git -C ${folder}/current rev-parse HEAD`)).trim(), first);
    const rows = product.sql(`SELECT git_commit FROM release r JOIN environment e ON e.id = r.environment_id WHERE e.slug = 'on${server.kind}' ORDER BY number DESC LIMIT 1`);
    equal(rows[0].git_commit, first, "the new release's commit");
    check(flow.logText(product, model.job.id).includes("built anew from the same commit"), "it is said that it was built again");
  });
}

await test("the history of what happened holds", () => product.windlass("audit", "verify"));
await lib.done();
