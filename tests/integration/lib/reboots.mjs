// reboots.mjs - a deploy in whose every step the server, or the dashboard, goes down as in a power cut and comes back. What holds afterwards is a whole
// release, the new one or the one before, and the verdict says which: the test looks with its own eyes.
//
//   await rebootEverywhere({ name, versions: [a, b], ... , only })     steps: those of recipe.json; `only`: ids of the steps to take, else all
//
// Each step is stopped midway (kills_traps.mjs); a step without a script at its intent, by the supervisor (worker/failpoint.h). Then the victim goes down.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../../lib/product.mjs";
import * as flow from "../../lib/flow.mjs";
import { makeHome } from "./kills_traps.mjs";

const { check, equal, until } = lib;
const LIMIT_MS = 150000;

export class Stage {
  // recipes: their folders' names. server: of the lab.
  static async start(server, recipes) {
    const stage = new Stage();
    const folder = lib.scratch("reboots");
    lib.endAtExit({ stop: async () => rmSync(folder, { recursive: true, force: true }) });
    const failpoints = join(folder, "failpoints");
    mkdirSync(failpoints);
    chmodSync(failpoints, 0o777); // the worker may be another user
    const env = { WL_HOME: makeHome(folder, ...recipes), WL_FAILPOINTS: failpoints };
    await server.exec("install -d -o deploy /home/deploy/kills");
    Object.assign(stage, { server, failpoints, env, product: await lib.startProduct({ env, keep: true }) });
    stage.client = await flow.setUp(stage.product);
    await flow.addServer(stage.client, server, "lab");
    lib.endAtExit({ stop: async () => rmSync(join(stage.product.var, ".."), { recursive: true, force: true }) });
    return stage;
  }

  // The dashboard's machine has a power cut: every process at once, nothing is said goodbye to.
  async rebootDashboard() {
    const { product } = this;
    const family = lib.descendants(product.pid);
    for (const pid of [product.pid, ...family.map((p) => p.pid)]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if (error.code !== "ESRCH") throw error; // it went with another one
      }
    }
    await until("the end of all its processes", () => family.every((p) => !existsSync(`/proc/${p.pid}`)));
    await product.stop();
    this.product = await lib.startProduct({ env: this.env, keep: true, again: product });
    this.client.base = this.product.url;
  }

  async rebootServer() {
    await this.server.reboot();
    await this.afterBoot?.();
  }
}

// Where a step waits, on the server or in the supervisor.
function stopAt(stage, slug, step, number) {
  if (step.script && step.mode === "detached") {
    const file = `/home/deploy/kills/${number}.midway`;
    return {
      arm: () => stage.server.exec(`touch ${file} && chown deploy ${file}`),
      isReached: async () => existsSync(`/proc/${stage.server.pid}/root${file}.hit`),
      letGo: async () => void (await stage.server.exec(`rm -f ${file} ${file}.hit`)),
    };
  }
  const file = join(stage.failpoints, `${slug}.${step.id}.after_intent`);
  return {
    arm: async () => writeFileSync(file, ""),
    isReached: async () => existsSync(`${file}.hit`),
    letGo: async () => rmSync(`${file}.hit`, { force: true }),
  };
}

async function meet(stage, deploy, stop) {
  await until(`${deploy.what} to be reached`, async () => {
    if (await stop.isReached()) return true;
    const { job } = await flow.jobOf(stage.client, deploy.job);
    check(!job.is_ended, `the job ended as ${job.status.state} before that: ${job.summary}`);
    return false;
  }, LIMIT_MS);
}

// What serves is one release, whole, and it is the one that the verdict names.
async function judge(stage, recipe, deploy, model) {
  const { state } = model.job.status;
  const told = `${state}: ${model.job.summary} (${model.hosts[0].left_as ?? ""})`;
  const truth = await until("something to serve", () => recipe.truth(stage), 40000).catch((error) => {
    throw new Error(`${told}; ${error.message}`);
  });
  check(truth.healthy, `what serves is well: ${JSON.stringify(truth)}; ${told}`);
  if (state === "live" || state === "degraded") equal(truth.version, deploy.version, `the new release serves; ${told}`);
  else if (state === "reverted" || state === "failed") equal(truth.version, deploy.before, `the old release serves; ${told}`);
  else {
    equal(state, "unknown", told);
    check(deploy.mayBeUnknown, `only a step that must not be repeated may leave it unknown; ${told}`);
    check([deploy.before, deploy.version].includes(truth.version), `${truth.version} serves`);
  }
  const live = (await stage.client.json(deploy.environment.href)).environment.live?.version;
  if (state !== "unknown") equal(live, truth.version, "the live version that the page names");
  return truth.version;
}

// One deploy in whose step `step` the victim goes down.
async function downIn(stage, recipe, environment, victim, step, number, before) {
  const version = recipe.versions.find((each) => each !== before);
  const deploy = { environment, version, before, what: `${step.id}`, mayBeUnknown: step.idempotent !== true };
  const stop = stopAt(stage, environment.slug, step, number);
  await recipe.change?.(stage, environment);
  await stop.arm();
  deploy.job = await flow.startDeploy(stage.client, environment, version);
  await meet(stage, deploy, stop);
  if (victim === "server") {
    await stage.rebootServer();
    await stop.letGo();
  } else {
    await stage.rebootDashboard();
    await stop.letGo();
  }
  const model = await flow.waitForJob(stage.client, deploy.job, LIMIT_MS);
  const serves = await judge(stage, recipe, deploy, model);
  const left = (await stage.server.exec("cd /home/deploy/.windlass && ls -d locks/* jobs/* 2>/dev/null || true")).trim();
  // What a person must look at stays until she has: the folder of a job that ended unknown.
  equal(left, model.job.status.state === "unknown" ? `jobs/${deploy.job}` : "", `locks and folders of jobs that are left; ${model.job.summary}`);
  await stage.server.exec("rm -rf /home/deploy/.windlass/jobs/*");
  return { serves, verdict: model.job.status.state };
}

export async function rebootEverywhere(stage, recipe, environment) {
  const spec = JSON.parse(readFileSync(join(lib.top, "recipes", recipe.name, "recipe.json"), "utf8"));
  const settings = recipe.skips ?? [];
  const steps = [{ id: "connect", mode: "connect", idempotent: true }, { id: "lock", mode: "lock", idempotent: true }, ...spec.steps, { id: "unlock", mode: "unlock", idempotent: true }];
  let serves = recipe.versions[0];
  const first = await flow.deploy(stage.client, environment, serves, LIMIT_MS);
  equal(first.job.status.state, "live", first.job.summary);
  for (const victim of ["server", "dashboard"])
    for (const [number, step] of steps.entries()) {
      if (settings.includes(step.id) || (recipe.only && !recipe.only[victim].includes(step.id))) continue;
      const began = Date.now();
      await lib.test(`${recipe.name}: the ${victim} goes down in ${step.id}: what serves is a whole release, and the verdict says which`, async () => {
        const end = await downIn(stage, recipe, environment, victim, step, number, serves);
        console.log(`# ${victim}, ${step.id}: ${end.verdict}, ${Date.now() - began} ms`);
        serves = end.serves;
      });
    }
  await lib.test(`${recipe.name}: after all of it a deploy goes live as ever`, async () => {
    const version = recipe.versions.find((each) => each !== serves);
    const model = await flow.deploy(stage.client, environment, version, LIMIT_MS);
    equal(model.job.status.state, "live", model.job.summary);
    equal((await recipe.truth(stage)).version, version, "what serves");
  });
}
