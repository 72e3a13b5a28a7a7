#!/usr/bin/env node
// Every page of the route table with empty, filled, wrong and hostile data, in light and dark, at 1280 and 390 px: axe with all its rules and
// html-validate find nothing, nothing scrolls sideways, and the browser has no complaint (lib/look.mjs says what is looked for).
//
// The pages are real: the dispatcher answers them in this process' own worlds, or a template is filled with a model that web/pages_models holds to what
// the handlers give (lib/answers.c). They are served with the real style sheet, script, icons and content security policy.
//
// To add a page: one entry in lib/pages_data.mjs. This test fails when a GET route has none, when a kind of data is missing without a reason, and
// when no data set uses a template or refuses a form. Reasons are printed.
//
// WL_PAGES=/jobs looks only at routes that begin so; WL_SCREENSHOTS=folder keeps pictures.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, check, equal, done, scratch, top } from "../lib/product.mjs";
import { hostile } from "./lib/hostile.mjs";
import { lookAtAll } from "./lib/look.mjs";
import { NOT_HTML, NO_PAGE, PAGES, WORLDS } from "./lib/pages_data.mjs";

const KINDS = ["empty", "filled", "error", "hostile"];
const FIXTURES = join(top, "tests/web/fixtures");
const only = process.env.WL_PAGES ?? "";

// --- data sets ----------------------------------------------------------------------------------------------------------------------------

const fixtureNames = readdirSync(FIXTURES).filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5));
const templateOf = (fixture) => fixture.split("-")[0];

// A data set of the table as questions for lib/answers.c.
function questions(page, kind, set) {
  if (!set.fixtures) return [{ name: `${page.route} ${kind} ${set.method ?? "GET"} ${set.uri.slice(0, 60)}`, ask: set }];
  const names = set.fixtures.length ? set.fixtures : fixtureNames.filter((name) => templateOf(name) === page.template);
  return names.map((name) => {
    const model = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), "utf8"));
    check(templateOf(name) === page.template, `${name} is no fixture of ${page.template}, the template of ${page.route}`);
    return { name: `${page.route} ${kind} ${name}`, model: { template: page.template, model: kind === "hostile" ? hostile(model) : model } };
  });
}

const looked = PAGES.filter((page) => (only === "/" ? page.route === only : page.route.startsWith(only)));
const documents = looked.flatMap((page) => KINDS.flatMap((kind) => [page[kind] ?? []].flat().filter((set) => !set.none).flatMap((set) => questions(page, kind, set)).map((question, i) => ({ ...question, page, kind, further: i > 0 }))));

function answerAll() {
  const folder = scratch("pages");
  const build = process.env.SAN === "1" ? "build/san" : "build";
  const program = `${build}/tests/browser/lib/answers`;
  const [asked, modelled] = [documents.filter((doc) => doc.ask), documents.filter((doc) => doc.model)];
  execFileSync("make", ["-s", "--no-print-directory", `SAN=${process.env.SAN ?? "0"}`, program], { cwd: top, stdio: ["ignore", "ignore", "inherit"] });
  // Worlds are made one after the other: those who share one stand together.
  asked.sort((a, b) => a.ask.world.localeCompare(b.ask.world));
  writeFileSync(join(folder, "questions.json"), JSON.stringify({ worlds: WORLDS, asks: [...asked.map((doc) => doc.ask), ...NOT_HTML], models: modelled.map((doc) => doc.model) }));
  const run = spawnSync(join(top, program), [join(folder, "questions.json"), join(folder, "answers.json")], { cwd: top, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`${program} ended with ${run.status ?? run.signal}:\n${run.stdout}${run.stderr}`);
  const { asks, models, routes } = JSON.parse(readFileSync(join(folder, "answers.json"), "utf8"));
  rmSync(folder, { recursive: true });
  const policy = asks.find((answer) => answer.policy).policy;
  asked.forEach((doc, i) => Object.assign(doc, asks[i], { path: asks[i].uri.slice(0, 200), also: doc.ask.also }));
  modelled.forEach((doc, i) => Object.assign(doc, models[i], { path: "/", status: 200, policy, type: "text/html" }));
  return { routes, others: asks.slice(asked.length) };
}

const { routes, others } = answerAll();

// --- is everything there? -----------------------------------------------------------------------------------------------------------------

await test("every GET route has an entry, and every entry a route", () => {
  const wanted = routes.filter((route) => route.method === "GET").map((route) => route.pattern);
  const have = [...PAGES.map((page) => page.route), ...NOT_HTML.map((set) => set.route)];
  equal(wanted.filter((pattern) => !have.includes(pattern)).join(" "), "", "routes that nobody looks at:");
  equal(have.filter((pattern) => !wanted.includes(pattern) && !pattern.startsWith("(")).join(" "), "", "entries without a route:");
});

await test("every page has data of every kind, or a reason why not", () => {
  for (const page of PAGES) for (const kind of KINDS) check([page[kind] ?? []].flat().length > 0, `${page.route} has no ${kind} data`);
  for (const page of looked) for (const kind of KINDS) if (page[kind].none) console.log(`# not looked at: ${page.route} ${kind}: ${page[kind].none}`);
});

await test("every template is used, and every form refused", () => {
  const templates = readdirSync(join(top, "templates")).filter((name) => name.endsWith(".html")).map((name) => name.slice(0, -5));
  equal(templates.filter((name) => !PAGES.some((page) => page.template === name)).join(" "), "", "templates that nobody looks at:");
  const refused = new Set(documents.filter((doc) => doc.ask?.method === "POST").map((doc) => doc.route));
  const forms = routes.filter((route) => route.method === "POST").map((route) => route.pattern);
  if (!only) equal(forms.filter((pattern) => !refused.has(pattern) && !NO_PAGE[pattern]).join(" "), "", "forms that nobody sends wrongly:");
  for (const [pattern, reason] of Object.entries(NO_PAGE)) console.log(`# not looked at: POST ${pattern}: ${reason}`);
});

await test("each address is answered by the route of its entry, as expected", () => {
  for (const doc of documents.filter((it) => it.ask)) {
    equal(doc.status, doc.ask.status, `${doc.name}: status`);
    check(doc.type.startsWith("text/html"), `${doc.name}: ${doc.type}`);
    if (doc.ask.method !== "POST" && !doc.page.route.startsWith("(")) equal(doc.route, doc.page.route, doc.name);
  }
  others.forEach((answer, i) => {
    equal(answer.route, NOT_HTML[i].route);
    check(!answer.type.startsWith("text/html"), `${answer.route} answers ${answer.type}: it needs data sets`);
  });
});

// --- looking ------------------------------------------------------------------------------------------------------------------------------

const close = await lookAtAll(documents);
const unsure = new Map();

for (const page of looked) {
  for (const kind of KINDS) {
    const docs = documents.filter((doc) => doc.page === page && doc.kind === kind);
    if (docs.length === 0) continue;
    await test(`${page.route} ${kind}: ${docs.length === 1 ? "1 page" : `1 page, and ${docs.length - 1} more of its kind`}, light and dark, 1280 and 390 px`, async () => {
      const bad = [];
      for (const doc of docs) {
        const seen = await doc.seen;
        bad.push(...seen.found.map((sentence) => `${doc.name}: ${sentence}`));
        for (const [rule, [count, example]] of seen.unsure) unsure.set(rule, [(unsure.get(rule)?.[0] ?? 0) + count, unsure.get(rule)?.[1] ?? `${doc.name}: ${example}`]);
      }
      if (bad.length) throw Object.assign(new Error(), { stack: bad.join("\n") });
    });
  }
}
await close();

// What a program cannot judge is no finding; a person may want to know where to look.
for (const [rule, [count, example]] of unsure) console.log(`# axe is not sure about ${rule}, ${count} times, such as ${example.replaceAll("\n", " ")}`);
await done();
