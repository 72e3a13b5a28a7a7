#!/usr/bin/env node
// Guide 001, in clicks instead of by hand: an app with PostgreSQL from a Compose file and a migrate command, from an empty server to live, to a new version, to a migration that
// fails, to a rollback past one; and the guide's other way, a release tarball. The database is a real one, and what is in it is asked of it. On a Debian 13 server (Compose v2), with
// WL_TEST_ALL=1 on a Debian 12 server (Compose v1) as well.
import { readFileSync } from "node:fs";
import * as lib from "../lib/product.mjs";
import { missing, startLab } from "../lib/lab.mjs";
import * as stack from "./lib/compose.mjs";
import { MIGRATE, pushPostgres, pushRachel, rachelFile } from "./lib/rachel.mjs";

const { test, check, equal } = lib;
const { flow } = stack;

const why = await missing();
if (why) {
  await test("guide 001 on real Docker engines", () => ({ skip: why }));
  await lib.done();
}

const kinds = process.env.WL_TEST_ALL === "1" ? [13, 12] : [Number(process.env.WL_TEST_KIND ?? 13)];
const [product, place] = await Promise.all([lib.startProduct(), startLab({ servers: kinds.map((kind) => ({ kind })) })]);
const { servers, registry } = place;
const client = await flow.setUp(product);
const PASSWORD = "a'b$c_d9Zq"; // of the database
const SECRETS = { DB_PASSWORD: PASSWORD, DATABASE_URL: `ecto://postgres:${encodeURIComponent(PASSWORD)}@postgres/rachel_prod`, SECRET_KEY_BASE: "k".repeat(64) };
const PLAYERS = "CREATE TABLE players (name text);\nINSERT INTO players VALUES ('ann');\n";
const SCORES = "ALTER TABLE players ADD COLUMN score int NOT NULL DEFAULT 7;\n";
const BROKEN = "CREATE TABLE half (x int);\nALTER TABLE nobody ADD COLUMN x int;\n";
await pushPostgres(registry);
const first = await pushRachel(registry, "1.0.0", { 1: PLAYERS });
const second = await pushRachel(registry, "1.1.0", { 1: PLAYERS, 2: SCORES });
await pushRachel(registry, "1.2.0", { 1: PLAYERS, 2: SCORES, 3: BROKEN });
await stack.addRegistry(client, registry);
await stack.createApp(client, "rachel");

// The guide's other way, on a private SSH server, while the engines work; told at the end.
async function playTarball() {
  const target = await lib.startTarget();
  await flow.addServer(client, target, "box");
  await flow.createApp(client, "shop");
  const port = String(await lib.freePort());
  const told = (word) => `echo "${word} $(cat VERSION)" >>"$HOME/told"`;
  const more = { pre_deploy: told("before"), migrate_command: told("migrate"), post_deploy: told("after"), health_count: "1", health_soak_s: "0" };
  const environment = await flow.createEnvironment(client, { app: "shop", settings: flow.helloSettings("shop", port, more) });
  for (const version of ["1.0.0", "1.1.0"]) equal((await flow.deploy(client, environment, version)).job.status.state, "live", version);
  check((await client.get(`${environment.href}/releases/1/rollback`)).text.includes("The data was migrated since: v2"), "the warning");
  const model = await flow.rollback(client, environment, 1);
  equal(model.job.status.state, "live", model.job.summary);
  equal((await flow.health(environment.port)).version, "1.0.0");
  const lines = readFileSync(`${target.home}/told`, "utf8").trim().split("\n");
  equal(lines.join(), ["1.0.0", "1.1.0", "1.0.0"].flatMap((version) => ["before", "migrate", "after"].map((word) => `${word} ${version}`)).join());
}
const tarball = playTarball().then(() => null, (error) => error);

for (const server of servers) {
  const say = (name, body) => test(`Debian ${server.kind}: ${name}`, body);
  const slug = `debian${server.kind}`;
  const project = `rachel-on${server.kind}`;
  await flow.addServer(client, server, slug);
  const settings = { health_port: "4000", soak_s: "1", health_count: "1", health_soak_s: "0", migrate: MIGRATE };
  const environment = await stack.createEnvironment(client, `on${server.kind}`, { app: "rachel", server: slug, file: rachelFile(registry.host), settings });
  await stack.saveSecrets(client, environment, SECRETS);

  const ask = async (query) => {
    const container = (await server.exec(`docker ps -q --filter label=com.docker.compose.project=${project} --filter label=com.docker.compose.service=postgres`)).trim();
    return (await server.exec(`docker exec ${container} sh -c 'PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U postgres -At -d rachel_prod -c "$1"' sh "${query}"`)).trim();
  };
  const tables = () => ask("SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM information_schema.tables WHERE table_schema = 'public'");
  const seen = () => stack.containers(server, project);
  const named = (model, name) => model.hosts[0].steps.find((step) => step.name === name);
  const oneOffs = async () => (await server.exec("docker ps -aq --filter label=windlass.hook")).trim();
  let before;

  await say("the first deploy: the database is started first, the migrate command runs in the new image, then everything is live", async () => {
    const model = await flow.deploy(client, environment, "1.0.0", 180000);
    equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
    equal(named(model, "migrate").status.state, "ok");
    equal(named(model, "pre_deploy").status.state, "skipped");
    before = await seen();
    equal(before.rachel.image, first.id);
    equal(before.rachel.health, "healthy");
    equal(await tables(), "players schema_migrations");
    equal(await ask("SELECT name FROM players"), "ann");
    equal(await oneOffs(), "", "containers of commands that are left");
    const log = flow.logText(product, model.job.id);
    check(log.includes("The command needs postgres, which does not run yet."), "it is said");
    check(log.includes("== Migrated 1"), "the command's output is log");
    check(log.includes("connecting to ") && !Object.values(SECRETS).some((value) => log.includes(value)) && !log.includes(PASSWORD), "what it says of secrets is masked");
    equal((await server.exec(`stat -c %U ${server.home}/apps/${project}/backups`)).trim(), server.user, "the mounted folder is the account's own");
  });

  await say("a new version: its migration runs while the old one serves, the database is not touched", async () => {
    const database = before.postgres;
    const model = await flow.deploy(client, environment, "1.1.0", 180000);
    equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
    before = await seen();
    equal(before.rachel.image, second.id);
    equal(before.postgres.started, database.started, "the database's container is the same one");
    equal(await ask("SELECT name, score FROM players"), "ann|7");
    equal(JSON.parse(await stack.inside(server, 4000, "/health")).version, "1.1.0");
  });

  await say("a migration that fails: the job has failed, the old release and the database are as before", async () => {
    const model = await flow.deploy(client, environment, "1.2.0", 180000);
    stack.equalFailure(model, { verdict: "failed", step: "migrate", cause: /^The migrate command of rachel ended with status [1-9]\d*\. The old release still serves; what the command has changed in the data stays changed\./ });
    check(/The old release serves; what "Migrate" changed stays changed\./.test(model.hosts[0].left_as), model.hosts[0].left_as);
    const now = await seen();
    for (const service of ["rachel", "postgres"]) equal(now[service].started, before[service].started, `${service} was left alone`);
    equal(await tables(), "players schema_migrations", "half of a migration is none");
    equal(await ask("SELECT count(*) FROM schema_migrations"), "2");
    equal(await oneOffs(), "");
    equal((await client.json(environment.href)).environment.live.version, "1.1.0");
    check(flow.logText(product, model.job.id).includes('relation "nobody" does not exist'), "why is in the log");
  });

  await say("a pre-deploy command that fails stops everything before the migration", async () => {
    await stack.change(client, environment, { pre_deploy: "rachel: sh -c 'echo not today; exit 3'" });
    const model = await flow.deploy(client, environment, "1.1.0", 180000);
    stack.equalFailure(model, { verdict: "failed", step: "pre_deploy", cause: /^The pre-deploy command of rachel ended with status 3\. Nothing that serves was changed\./ });
    equal(named(model, "migrate").status.state, "skipped", "the migration");
    equal((await seen()).rachel.started, before.rachel.started, "the app was left alone");
  });

  await say("a post-deploy command that fails makes the release degraded: it serves, proven", async () => {
    await stack.change(client, environment, { pre_deploy: "", post_deploy: "rachel: wget -q -O - http://rachel:4000/health\nrachel: no-such-program" });
    const model = await flow.deploy(client, environment, "1.1.0", 180000);
    stack.equalFailure(model, { verdict: "degraded", step: "post_deploy", cause: /^The post-deploy command (of rachel ended with status 1\. The new release serves\.|cannot be run: the image of rachel has no such program)/ });
    check(flow.logText(product, model.job.id).includes('"version":"1.1.0"'), "the command before it reached the new release by its name");
    equal((await seen()).rachel.image, second.id);
  });

  await say("a migrate command that was cut off is unknown, and nothing runs beside it", async () => {
    await stack.change(client, environment, { post_deploy: "", migrate: "rachel: sleep 300" });
    const job = await flow.startDeploy(client, environment, "1.1.0");
    await lib.until("the command to run", async () => (await server.exec("docker ps -q --filter label=windlass.hook")).trim(), 60000);
    await server.exec(`for pid in $(pgrep -f '[w]rapper.sh /home/${server.user}/.windlass/jobs/${job}'); do kill -9 -- $(ps -o pid= -s $(ps -o sid= -p $pid | tr -d ' ')); done`);
    const model = await flow.waitForJob(client, job, 60000);
    equal(`${model.job.status.state} ${stack.failedStep(model)?.name}`, "unknown migrate", model.job.summary);
    const next = await flow.deploy(client, environment, "1.1.0", 60000);
    stack.equalFailure(next, { verdict: "failed", step: "migrate", cause: /^A command of an earlier deploy still runs here, in the container \S+ \(migrate of job / });
    equal((await seen()).rachel.image, second.id, "what serves was left alone");
    await server.exec("docker kill $(docker ps -q --filter label=windlass.hook)");
    await stack.change(client, environment, { migrate: MIGRATE });
  });

  await say("a rollback to before a migration warns, and the data stays as it is", async () => {
    const page = await client.get(`${environment.href}/releases/1/rollback`);
    check(/The data was migrated since: v2(, v\d+)* ran a migrate command\. That is not undone\./.test(page.text), "the warning");
    const model = await flow.rollback(client, environment, 1, { limitMs: 180000 });
    equal(model.job.status.state, "live", `${model.job.summary} ${stack.failedStep(model)?.cause}`);
    equal((await seen()).rachel.image, first.id);
    equal(await ask("SELECT name, score FROM players"), "ann|7", "migrations are not undone");
    equal(await oneOffs(), "", "what was cut off is tidied up");
  });
}

const wrong = await tarball;
await test("the other way, a release tarball: commands before and after, a migration, a rollback that warns", () => {
  if (wrong) throw wrong;
});

await lib.done();
