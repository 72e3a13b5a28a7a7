// kills_chain.mjs - one victim that is killed again and again in the deploys of one environment, and what the test sees afterwards with its own eyes.
// kills.mjs says what is killed where and why.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../../lib/product.mjs";
import * as flow from "../../lib/flow.mjs";

const { check, equal, until, sleep } = lib;
const LIMIT_MS = 120000; // a machine with other work is slow, not wrong
const QUICK_MS = 25;
const IN_SUPERVISOR = ["before_intent", "after_intent", "before_outcome"]; // worker/failpoint.h

// --- processes of the product ----------------------------------------------------------------------------------------------

function isAlive(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function awaitEnd(pid) {
  await until(`the end of process ${pid}`, () => !isAlive(pid), LIMIT_MS, QUICK_MS);
}

const programsLog = (product) => readFileSync(join(product.var, "run/log/windlass.log"), "utf8");

// The processes that worked for the job, the newest last.
export function runnersOf(product, job) {
  return [...programsLog(product).matchAll(/ event=runner_started job=(\S+) .* pid=(\d+)/g)].filter((m) => m[1] === job).map((m) => Number(m[2]));
}

function supervisorOf(product) {
  return Number([...programsLog(product).matchAll(/ prog=worker pid=(\d+) event=ready /g)].at(-1)[1]);
}

export class Chain {
  // kills: {plan, failpoints, rounds} of kills.mjs
  constructor(kills, recipe, victim, round, product) {
    Object.assign(this, { kills, recipe, victim, round, product, slug: `${victim}-${round + 1}`, deploys: [], live: "" });
  }

  async prepare() {
    this.target = await this.recipe.newTarget();
    await flow.addServer(this.product.client, this.target, this.slug);
    this.environment = await this.recipe.newEnvironment(this.product.client, this.slug, this.target);
  }

  async run(phases) {
    for (const phase of phases) {
      const deploy = { phase, victim: this.victim, hits: [], began: Date.now(), before: this.live };
      this.deploys.push(deploy);
      try {
        await this.deploy(deploy);
      } catch (error) {
        deploy.error = error;
        deploy.shown = this.log(deploy).slice(-60).map((r) => r?.[0]);
        return; // what comes after it would be judged by what this one left
      } finally {
        deploy.ms = Date.now() - deploy.began;
      }
    }
  }

  async deploy(deploy) {
    const stops = this.kills.plan.stops(this.victim, deploy.phase, this.round);
    deploy.version = deploy.phase === "undo" ? this.recipe.bad : this.recipe.good;
    if (deploy.phase === "undo") await this.recipe.beforeBad?.(this.product.client, this.environment);
    for (const stop of stops) await this.arm(stop);
    deploy.job = await (this.recipe.startDeploy ?? flow.startDeploy)(this.product.client, this.environment, deploy.version);
    for (const stop of stops) await this.meet(deploy, stop);
    deploy.model = await flow.waitForJob(this.product.client, deploy.job, LIMIT_MS);
    await this.observe(deploy);
  }

  // --- a stop: armed, reached, let go ---
  placeOf({ step, point }) {
    const own = point === "midway" && this.kills.plan.halfway[step.name];
    if (own) return { arm: () => own.arm(this.target), isReached: (deploy) => own.isReached(this.target, this.logOf(deploy, step)), letGo: () => own.letGo(this.target) };
    if (IN_SUPERVISOR.includes(point)) {
      const file = join(this.kills.failpoints, `${this.slug}.${step.name}.${point}`);
      const letGo = () => {
        const was = existsSync(`${file}.hit`);
        rmSync(`${file}.hit`, { force: true });
        return was;
      };
      return { arm: () => writeFileSync(file, ""), isReached: () => existsSync(`${file}.hit`), letGo };
    }
    // The runner is frozen while the script is at its beginning, and the script then runs to its end.
    const file = step.mode === "detached" ? `kills/${step.number}.${point === "after_end" ? "begun" : point.replace("after_", "")}` : `kills/${step.name}.${point}`;
    return { arm: () => this.target.write(file, ""), isReached: () => this.target.exists(`${file}.hit`), letGo: () => this.target.remove(`${file}.hit`) };
  }

  async arm(stop) {
    stop.place = this.placeOf(stop);
    await stop.place.arm();
  }

  async letGo({ step, point, place }) {
    check(await place.letGo(), `nobody waited any more at ${step.name} ${point}`);
  }

  async reach(deploy, { step, point, place }) {
    const limit = Date.now() + LIMIT_MS;
    for (let looked = Date.now(); !(await place.isReached(deploy)); await sleep(QUICK_MS)) {
      check(Date.now() < limit, `${deploy.phase}: ${step.name} ${point} was not reached within ${LIMIT_MS} ms`);
      if (Date.now() - looked < 1000) continue;
      looked = Date.now();
      const { job } = await flow.jobOf(this.product.client, deploy.job);
      check(!job.is_ended, `the job ended as ${job.status.state} before ${step.name} ${point}: ${job.summary}`);
    }
  }

  // --- killing ---
  async meet(deploy, stop) {
    await this.reach(deploy, stop);
    if (stop.looks) deploy.written = await this.logsThere(deploy);
    if (!stop.kills) return await this.letGo(stop);
    if (stop.point === "after_end") {
      await this.killAfterEnd(deploy, stop);
    } else {
      await this.kill(deploy, stop.runnerIsGone);
      await this.letGo(stop);
    }
    deploy.hits.push({ step: stop.step.name, point: stop.point });
  }

  async kill(deploy, runnerIsGone = false) {
    if (this.victim === "session") return await until("a session to kill", () => this.target.killSessions(), LIMIT_MS, QUICK_MS);
    const runner = runnersOf(this.product, deploy.job).at(-1);
    check(runnerIsGone || isAlive(runner), `the runner, process ${runner}, lives at this point`);
    const pid = this.victim === "runner" ? runner : supervisorOf(this.product);
    this.product.expectRespawn("windlass-worker runner"); // also one that goes with its supervisor
    process.kill(pid, "SIGKILL");
    await awaitEnd(pid);
    await awaitEnd(runner); // with its supervisor
  }

  // The step ends while its runner cannot see it.
  async killAfterEnd(deploy, stop) {
    const runner = runnersOf(this.product, deploy.job).at(-1);
    process.kill(runner, "SIGSTOP");
    try {
      await this.letGo(stop);
      await until(`${stop.step.name} to end`, () => this.target.exists(`.windlass/jobs/${deploy.job}/${stop.step.number}/end`), LIMIT_MS, QUICK_MS);
      await this.kill(deploy);
    } finally {
      if (isAlive(runner)) process.kill(runner, "SIGCONT");
    }
  }

  // --- looking ---
  log(deploy) {
    const path = join(this.product.var, "serve/logs", `${deploy.job}.log`);
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
    return lines.map((line) => line.match(/^(\S+) (\S+) (\S+) (\S) (\S+) (.*)$/s)); // time host step kind origin text
  }

  logOf(deploy, step) {
    return this.log(deploy).filter((r) => r?.[3] === String(step.number)).map((r) => `${r[4]} ${r[6]}`).join("\n");
  }

  // What the job's log holds of a step's output, byte for byte.
  outputOf(deploy, number) {
    return this.log(deploy).filter((r) => r?.[3] === String(number) && "op".includes(r[4])).map((r) => r[6] + (r[4] === "o" ? "\n" : "")).join("");
  }

  async logsThere(deploy) {
    const folder = `.windlass/jobs/${deploy.job}`;
    const found = {};
    for (const name of await this.target.list(folder)) if (/^\d+$/.test(name)) found[name] = await this.target.read(`${folder}/${name}/log`);
    return found;
  }

  async observe(deploy) {
    const truth = await this.recipe.truth(this.target, this.environment);
    let shown = "nothing that is healthy";
    if (truth.healthy) shown = truth.version === deploy.version ? "live" : truth.version === deploy.before ? "reverted" : `version ${truth.version}`;
    equal(deploy.model.job.status.state, shown, `the verdict (${deploy.model.job.summary}) and what the target shows:`);
    equal(shown, deploy.phase === "undo" ? "reverted" : "live", "what the target shows:");
    this.live = truth.version;
    equal((await this.product.client.json(this.environment.href)).environment.live?.version, truth.version, "live version of the environment");
    const of = `json_extract(detail, '$.job') = '${deploy.job}'`;
    const events = this.product.sql(`SELECT verb FROM audit_event WHERE verb LIKE 'deploy.%' AND verb <> 'deploy.request' AND ${of}`);
    equal(events.map((row) => row.verb).join(), `deploy.${shown}`, "audit events of the job's end");
    this.observeRunners(deploy);
    await this.observeSteps(deploy);
    await this.observeRest();
    await this.recipe.look?.(this.target, this.environment, this.deploys);
  }

  // A session that is killed costs no runner; a runner or its supervisor costs one.
  observeRunners(deploy) {
    deploy.runners = runnersOf(this.product, deploy.job).length;
    const kills = this.victim === "session" ? 0 : deploy.hits.length;
    check(deploy.runners <= kills + 1, `${deploy.runners} runners for ${kills} kills`);
  }

  async observeSteps(deploy) {
    const { job, phase, written } = deploy;
    const { steps } = this.kills.plan;
    const rows = this.product.sql(`SELECT step, name, state FROM job_step WHERE job_id = '${job}' ORDER BY step`);
    equal(rows.map((row) => row.name).join(), steps.map((step) => step.name).join(), "steps of the job");
    const bad = rows.filter((row) => !["ok", "skipped"].includes(row.state));
    equal(bad.map((row) => `${row.name} ${row.state}`).join(), phase === "undo" ? `${this.recipe.fails} failed` : "", "steps that did not end well");
    const scripts = rows.filter((row) => steps[row.step].mode === "detached" && row.state !== "skipped");
    const ran = (await this.target.read("kills/ran")).split("\n").filter((line) => line.startsWith(`${job} `));
    const at = (point) => ran.filter((line) => line.endsWith(` ${point}`)).map((line) => Number(line.split(" ")[1]));
    equal(at("begun").join(), scripts.map((row) => row.step).join(), "scripts that began:");
    // The one that fails does so before its middle or behind it.
    const failed = bad.map((row) => row.step);
    const whole = (list) => list.filter((number) => !failed.includes(number)).join();
    equal(whole(at("midway")), whole(scripts.map((row) => row.step)), "scripts that came to their middle:");
    for (const row of scripts) {
      equal(this.outputOf(deploy, row.step), written[row.step], `log of ${row.name}, here and on the target:`);
      equal(written[row.step].split("\n").filter((line) => line === `kills: step ${row.step} is begun`).length, 1, `beginnings in the log of ${row.name}:`);
    }
  }

  async observeRest() {
    await until("what the job started on the target to end", async () => {
      const left = (await this.target.processes()).filter((command) => !this.recipe.isOfApp(command));
      if (left.length) throw new Error(left.join("; "));
      return true;
    }, 15000);
    equal((await this.target.list(".windlass/locks")).join(), "", "locks left on the target");
    equal((await this.target.list(".windlass/jobs")).join(), "", "folders of jobs left on the target");
  }
}
