// kills.mjs - a recipe whose every step is hit: runner, supervisor and the target's sshd session are each killed before the intent, after the intent,
// after `begun`, midway, after `end` and before the outcome is stored; in a deploy that goes live and in one that is put back. No point is met by timing:
// the supervisor (worker/failpoint.h) and what runs on the target (kills_traps.mjs) stop there and wait until the victim is dead.
//
// After each job the test looks for itself (kills_chain.mjs): the verdict is what the target shows, each script ran exactly once and in order, the log
// holds each byte of each step once, nothing of the job is left. At the end there is a claim per victim and point that names the steps; one of the recipe's
// steps in which that victim was not killed at that point makes it fail.
//
// A recipe is tested in a file of its own, tests/integration/kills_<recipe>.mjs (kills_release.mjs shows how), which describes it:
//
//   name                                          folder below recipes/
//   good, bad                                     a version that goes live, and one that is put back by the undo steps
//   fails                                         the step at which `bad` fails
//   newApp(client)                                make the app `good` and `bad` are versions of; once per product
//   newTarget()                                   a server: an object as kills_target.mjs describes it
//   newEnvironment(client, slug, target)          an environment on the server `slug`, with settings for which no step is skipped
//   beforeBad(client, environment)                optional: what is changed before `bad` is deployed
//   startDeploy(client, environment, version)     optional: the id of the job, when flow.startDeploy is not how
//   truth(target, environment)                    {healthy, version}: what serves, seen without Windlass
//   isOfApp(command line)                         may go on living on the target after a job
//   halfway                                       {step: {arm(target), isReached(target, the step's records in the job's log), letGo(target)}}: how a step
//                                                 that has no script, and that kills_shim.sh does not stop either, is stopped midway
//   skips                                         names of steps that the settings skip, in this run
//   isCheap                                       true: all of it in every run; else firstRow, from which on the rows are taken
//   look(target, environment, deploys)            optional: more claims about what the deploys so far have left
import { chmodSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../../lib/product.mjs";
import * as flow from "../../lib/flow.mjs";
import { Chain } from "./kills_chain.mjs";
import { makeHome, makePrograms } from "./kills_traps.mjs";

const { check, equal } = lib;
const VICTIMS = ["runner", "session", "supervisor"];
const POINTS = {
  before_intent: "before the intent",
  after_intent: "after the intent",
  after_begun: "after `begun`",
  midway: "midway",
  after_end: "after `end`",
  before_outcome: "before the outcome is stored",
};
const PHASES = ["forward", "undo"];
// What is done to each step in one deploy; each row is a chain of its own. More than two kills of a runner in a step would wait for the growing pauses
// between runners. A session can be killed again only where the runner must have connected again: it does so when it next has something to ask, which
// after `end` and after the outcome may not be before the next step.
const APART = [["before_intent", "after_end"], ["after_intent", "midway"], ["after_begun", "before_outcome"]];
const ROUNDS = { runner: APART, supervisor: APART, session: [["before_intent", "midway"], ["after_intent", "after_begun"], ["after_end"], ["before_outcome"]] };
// All of it are twenty deploys and some four hundred kills, each of which the machine feels. A recipe whose deploys are dear is killed so only with
// WL_TEST_ALL=1 (`make torture`); otherwise each victim has one chain: one row in the deploy that goes live, the next one in the deploy that is put back.
const ALL = process.env.WL_TEST_ALL === "1";
// Commands of the team's own, each a container more: one of them stands for all, but in all of it.
export const OWN = ALL ? ["pre_deploy", "migrate", "post_deploy"] : ["migrate"];
export const NOT_OWN = ALL ? [] : ["pre_deploy", "post_deploy"];
const SHIMMED = ["connect", "lock", "upload", "unlock"]; // modes of steps that kills_shim.sh stops midway

// --- what is killed where ------------------------------------------------------------------------------------------------------

class Plan {
  constructor(recipe) {
    const spec = JSON.parse(readFileSync(join(lib.top, "recipes", recipe.name, "recipe.json"), "utf8"));
    const own = (step) => ({ name: step.id, mode: step.mode });
    const builtIn = (name) => ({ name, mode: name });
    const forward = [builtIn("connect"), builtIn("lock"), ...spec.steps.map(own), builtIn("unlock")];
    this.steps = [...forward, ...spec.undo.map(own)];
    this.steps.forEach((step, number) => (step.number = number));
    this.unlock = forward.at(-1);
    const end = { name: "end", mode: "end" }; // no step: the frame with the job's verdict
    this.phases = { forward: [...forward.filter((step) => !recipe.skips?.includes(step.name)), end], undo: [...this.steps.slice(forward.length), this.unlock, end] };
    this.halfway = recipe.halfway ?? {};
    this.isWhole = ALL || recipe.isCheap === true;
    this.firstRow = recipe.firstRow ?? 0;
  }

  // The rows of each chain of a victim.
  rounds(victim) {
    return this.isWhole ? ROUNDS[victim].map((row) => [row]) : [ROUNDS[victim]];
  }

  pointsOf(victim, phase, round) {
    const rows = this.rounds(victim)[round];
    return rows[(this.firstRow + PHASES.indexOf(phase)) % rows.length];
  }

  isPlanned(victim, phase, point) {
    return this.rounds(victim).some((_, round) => this.pointsOf(victim, phase, round).includes(point));
  }

  // The runner has sent its last frames and exits by itself.
  runnerIsGone(step, point) {
    return step.mode === "end" || (step === this.unlock && point === "before_outcome");
  }

  // Why a victim cannot be killed there, or "".
  whyNot(victim, step, point) {
    if (step.mode === "end" && point !== "before_outcome") return "it has no other point than this";
    if (victim !== "supervisor" && this.runnerIsGone(step, point)) return "the runner has said all and goes by itself";
    if (victim === "session" && step.mode === "connect" && ["before_intent", "after_intent"].includes(point)) return "there is no session yet";
    if (step.mode === "detached" || !["after_begun", "midway", "after_end"].includes(point)) return "";
    if (point === "midway" && (SHIMMED.includes(step.mode) || this.halfway[step.name])) return "";
    return "it has no script";
  }

  // In the order in which they are met. Before `unlock` the logs on the target are complete, and still there: the test looks at them.
  stops(victim, phase, round) {
    const stops = [];
    for (const step of this.phases[phase]) {
      const points = this.pointsOf(victim, phase, round).filter((point) => !this.whyNot(victim, step, point));
      if (step === this.unlock && points[0] !== "before_intent") stops.push({ step, point: "before_intent", looks: true });
      for (const point of points)
        stops.push({ step, point, kills: true, looks: step === this.unlock && point === "before_intent", runnerIsGone: this.runnerIsGone(step, point) });
    }
    return stops;
  }
}

// --- the stage -------------------------------------------------------------------------------------------------------------------

// A supervisor that is killed takes all its jobs with it, so each chain in which it is has a product of its own; the other chains share one.
async function makeChains(recipe, folder) {
  const kills = { plan: new Plan(recipe), failpoints: join(folder, "failpoints") };
  const options = { programs: makePrograms(folder), env: { WL_HOME: makeHome(folder, recipe.name), WL_FAILPOINTS: kills.failpoints } };
  mkdirSync(kills.failpoints);
  chmodSync(kills.failpoints, 0o777); // the worker may be another user
  const { plan } = kills;
  const [shared, ...single] = await Promise.all([null, ...plan.rounds("supervisor")].map(async () => {
    const product = await lib.startProduct(options);
    product.client = await flow.setUp(product);
    await recipe.newApp(product.client);
    return product;
  }));
  const chains = VICTIMS.flatMap((victim) => plan.rounds(victim).map((_, round) => new Chain(kills, recipe, victim, round, victim === "supervisor" ? single[round] : shared)));
  await Promise.all(chains.map((chain) => chain.prepare()));
  return { plan, chains, products: [shared, ...single] };
}

// --- claims ------------------------------------------------------------------------------------------------------------------------

async function claimDeploys(recipe, plan, chains) {
  for (const { deploys, victim, round } of chains)
    for (const deploy of deploys) {
      console.log(`# ${deploy.hits.length} kills, ${deploy.runners} runners, ${deploy.ms} ms`);
      const what = `${victim} killed ${plan.pointsOf(victim, deploy.phase, round).map((point) => POINTS[point]).join(" and ")} in each step`;
      const came = deploy.phase === "undo" ? "put back" : "live";
      await lib.test(`${recipe.name}, ${what}: ${came}, as the target shows; each script once, each byte of its log once, nothing left`, () => {
        for (const line of deploy.error ? deploy.shown : []) console.log(`# ${line}`);
        if (deploy.error) throw deploy.error;
      });
    }
}

async function claimPoints(recipe, plan, chains) {
  for (const phase of PHASES)
    for (const victim of VICTIMS)
      for (const [point, words] of Object.entries(POINTS)) {
        if (!plan.isPlanned(victim, phase, point)) continue;
        const steps = plan.phases[phase].filter((step) => !plan.whyNot(victim, step, point)).map((step) => step.name);
        const good = chains.flatMap((chain) => chain.deploys).filter((deploy) => deploy.victim === victim && deploy.phase === phase && !deploy.error);
        const hit = good.flatMap((deploy) => deploy.hits).filter((each) => each.point === point).map((each) => each.step);
        await lib.test(`${recipe.name}, ${phase}: ${victim} killed ${words}: ${steps.join(" ")}`, () => {
          check(steps.length > 0, "some step has this point");
          equal(steps.filter((name) => !hit.includes(name)).join(" "), "", "not killed in:");
        });
      }
}

function sayWhatCannotBe(plan) {
  for (const phase of PHASES)
    for (const [point, words] of Object.entries(POINTS))
      for (const victim of VICTIMS) {
        const reasons = {};
        for (const step of plan.phases[phase]) {
          const why = plan.whyNot(victim, step, point);
          if (why && step.mode !== "end") (reasons[why] ??= []).push(step.name);
        }
        for (const [why, steps] of Object.entries(reasons)) console.log(`# ${phase}: no ${victim} killed ${words} in ${steps.join(" ")}: ${why}`);
      }
}

export async function killEverything(recipe) {
  const folder = lib.scratch("kills");
  const began = Date.now();
  const { plan, chains, products } = await makeChains(recipe, folder);
  console.log(`# set up in ${Date.now() - began} ms`);
  await Promise.all(chains.map((chain) => chain.run(PHASES)));
  await claimDeploys(recipe, plan, chains);
  await claimPoints(recipe, plan, chains);
  sayWhatCannotBe(plan);
  if (!plan.isWhole) console.log("# each victim at some points only: at all of them with WL_TEST_ALL=1 (make torture)");
  await lib.test("the history of what happened holds, and nothing is left of the programs", async () => {
    for (const product of products) product.windlass("audit", "verify");
    await Promise.all(products.map((product) => product.stop()));
    for (const product of products) equal(product.leftovers.map((p) => p.command.join(" ")).join("; "), "");
  });
  await Promise.all(chains.map((chain) => chain.target.stop()));
  rmSync(folder, { recursive: true, force: true });
}
