// look.mjs - looks at one page after another in Chromium, with everything that can judge a page by itself. What it finds is a list of sentences;
// a good page has none.
//
//   html-validate, preset "recommended": its standards, accessibility and security rules, none changed. (Its other presets hold what does not
//     fit: "document" wants integrity hashes on files of the same origin, "prettier" is about taste.)
//   axe, every rule it has: WCAG A, AA and AAA, best practices, experimental and deprecated ones; in light and dark, at 1280 and 390 px, from
//     the second look on with folded parts unfolded. A further page of the same route and kind of data (`further`) is looked at in dark at 390 px, with
//     WL_TEST_ALL=1 (`make torture`) in all four ways as well.
//   sideways scrolling, violations of the page's own content security policy, script errors, console errors, requests that fail or go elsewhere,
//     links to a place that the page does not have.
import { createServer } from "node:http";
import { readFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { top } from "../../lib/product.mjs";
import { CALM, launch, require } from "./chromium.mjs";

const { HtmlValidate, StaticConfigLoader } = require("html-validate");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const TABS = 2;
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
const TURNS = [["light", WIDE], ["light", NARROW], ["dark", NARROW], ["dark", WIDE]];
const FURTHER = process.env.WL_TEST_ALL === "1" ? [0, 1, 2, 3] : [2]; // the turns of a further page of the same route and kind of data
const TYPES = { css: "text/css", js: "application/javascript", svg: "image/svg+xml" };
const shots = process.env.WL_SCREENSHOTS; // a folder: keeps a picture of every page looked at

// --- the server: each tab is given the document it names in a header ----------------------------------------------------------------------

async function serve(documents) {
  const server = createServer((request, response) => {
    const path = request.url.split("?")[0];
    const file = /^\/static\/[^/]+\/([\w.-]+\.(css|js|svg))$/.exec(path);
    const number = Number(request.headers["x-document"]);
    const doc = documents.get(number);
    if (file) {
      response.writeHead(200, { "content-type": TYPES[file[2]], "cache-control": "public, max-age=3600" });
      response.end(readFileSync(join(top, "static", file[1])));
    } else if (/^\/jobs\/[^/]+\/events$/.test(path)) {
      response.writeHead(200, { "content-type": "text/event-stream" }); // a job that says nothing for a while
      response.write(":\n\n");
    } else if (!doc || doc.isServed || request.headers["sec-fetch-mode"] !== "navigate") { // a page before it may still be asking by script
      response.writeHead(204).end();
    } else {
      doc.isServed = true;
      response.writeHead(doc.status, { "content-type": "text/html; charset=utf-8", "content-security-policy": doc.policy, "cache-control": "no-store" });
      response.end(doc.body);
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

// --- in the page --------------------------------------------------------------------------------------------------------------------------

// A page that wants to look again stays as it is.
const listenForViolations = () => {
  navigation.addEventListener("navigate", (event) => event.navigationType === "reload" && event.preventDefault());
  globalThis.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
};

// Selecting by all tags there are runs all rules there are, also those that axe leaves out by itself; `ran` proves it.
const runAxe = async () => {
  const rules = axe.getRules();
  const tags = [...new Set(rules.flatMap((rule) => rule.tags))];
  const result = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations", "incomplete"], selectors: false });
  const brief = ({ id, nodes }) => ({ id, nodes: nodes.map((node) => ({ html: node.html.slice(0, 160), why: (node.failureSummary ?? "").split("\n").slice(1).join(" ").trim().slice(0, 300) })) });
  const ran = new Set(["violations", "incomplete", "passes", "inapplicable"].flatMap((part) => result[part].map((rule) => rule.id)));
  return { bad: result.violations.map(brief), unsure: result.incomplete.map(brief), left: rules.map((rule) => rule.ruleId).filter((id) => !ran.has(id)) };
};

const sidewaysBy = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;

// What sticks out most, to have a name for it.
const widest = () => {
  const width = document.documentElement.clientWidth;
  const out = [...document.body.querySelectorAll("*")].filter((node) => node.getBoundingClientRect().right > width + 1);
  return out.length ? out[out.length - 1].outerHTML.slice(0, 160) : "";
};

const linksToNowhere = () => [...document.querySelectorAll('a[href^="#"]')].map((link) => link.getAttribute("href")).filter((href) => href.length > 1 && !document.getElementById(decodeURIComponent(href.slice(1))));

const unfold = () => {
  for (const node of document.querySelectorAll("main details:not([open])")) node.open = true;
};

// What a data set may name in `also`: the page is looked at again with it open.
const OPEN = {
  menu: (page) => page.locator("details.menu > summary").click(),
  shortcuts: (page) => page.keyboard.press("?"),
};

// --- one tab ------------------------------------------------------------------------------------------------------------------------------

class Tab {
  async open(browser, origin) {
    this.origin = origin;
    this.context = await browser.newContext(CALM); // nothing is judged by its turning
    await this.context.addInitScript(listenForViolations);
    this.page = await this.context.newPage();
    this.page.on("console", (message) => {
      const isTheStatus = message.location().url === this.url && /status of [45]\d\d/.test(message.text()); // an error page has its status
      if (message.type() === "error" && !isTheStatus) this.complaints.add(`console: ${message.text()}`);
    });
    this.page.on("pageerror", (error) => this.complaints.add(`script error: ${error.message}`));
    this.page.on("requestfailed", (request) => {
      const isOver = request.isNavigationRequest() || /\/events\b/.test(request.url()); // 204, or left behind
      if (!isOver) this.complaints.add(`request failed: ${request.url()}`);
    });
    this.page.on("request", (request) => {
      if (!request.url().startsWith(origin)) this.complaints.add(`request to ${request.url()}`);
    });
    return this;
  }

  // found: sentence -> where it was so; unsure: rule -> [how often, an example]
  async look(doc, number) {
    const { page } = this;
    Object.assign(this, { complaints: new Set(), found: new Map(), unsure: new Map(), url: this.origin + doc.path, further: doc.further });
    await page.setExtraHTTPHeaders({ "x-document": String(number) });
    await page.setViewportSize(WIDE);
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(this.url, { waitUntil: "load" });
    for (const violation of await page.evaluate(() => globalThis.violations)) this.complaints.add(`content security policy: ${violation}`);
    for (const href of await page.evaluate(linksToNowhere)) this.complaints.add(`a link to ${href}, which is not on the page`);
    await page.evaluate(axeSource);
    await this.judgeAll(doc.name, "");
    for (const what of doc.also ?? []) {
      await OPEN[what](page);
      await this.judgeAll(doc.name, what);
      await page.keyboard.press("Escape");
    }
    const found = [...this.complaints, ...[...this.found].map(([sentence, places]) => `${sentence} [${places.join(", ")}]`)];
    return { found, unsure: this.unsure };
  }

  // Each in turn: light and wide as the page comes, the others with all that was folded unfolded, so that what is hidden at first is seen as well.
  async judgeAll(name, what) {
    for (const [i, [scheme, size]] of TURNS.entries()) {
      if (this.further && !FURTHER.includes(i)) continue;
      const where = `${scheme} ${size.width}${what ? ` ${what}` : ""}`;
      await this.page.emulateMedia({ colorScheme: scheme });
      await this.page.setViewportSize(size);
      if ((i > 0 || this.further) && !what) await this.page.evaluate(unfold);
      const by = await this.page.evaluate(sidewaysBy);
      if (by > 0) this.add(`scrolls sideways by ${by} px: ${await this.page.evaluate(widest)}`, where);
      this.note(await this.page.evaluate(runAxe), where);
      if (shots) await this.page.screenshot({ path: join(shots, `${name}-${where}.png`.replace(/[^\w.-]+/g, "_")), fullPage: true });
    }
  }

  add(sentence, where) {
    if (!this.found.has(sentence)) this.found.set(sentence, []);
    this.found.get(sentence).push(where);
  }

  note({ bad, unsure, left }, where) {
    if (left.length) this.add(`axe did not run ${left.join(", ")}`, where);
    for (const { id, nodes } of bad) for (const node of nodes) this.add(`axe ${id}: ${node.html} ${node.why}`, where);
    for (const { id, nodes } of unsure) {
      const [count, example] = this.unsure.get(id) ?? [0, `${nodes[0].html} ${nodes[0].why}`];
      this.unsure.set(id, [count + nodes.length, example]);
    }
  }
}

// --- all pages ----------------------------------------------------------------------------------------------------------------------------

const validator = new HtmlValidate(new StaticConfigLoader({ root: true, extends: ["html-validate:recommended"] }));

async function validate(doc) {
  const report = await validator.validateString(doc.body, `${doc.name}.html`);
  const lines = doc.body.split("\n");
  return report.results.flatMap(({ messages }) => messages.map(({ ruleId, message, line, column }) => `html-validate ${ruleId}: ${message} (${line}:${column}: ${lines[line - 1]?.slice(Math.max(0, column - 20), column + 100)})`));
}

// Gives every document {name, path, status, policy, body, also, further} a promise `seen` of {found, unsure}; two tabs work through them.
export async function lookAtAll(documents) {
  if (shots) mkdirSync(shots, { recursive: true });
  const numbered = new Map(documents.map((doc, number) => [number, doc]));
  const server = await serve(numbered);
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await launch();
  const waiting = [...numbered];
  for (const doc of documents) doc.seen = new Promise((done, fail) => Object.assign(doc, { done, fail }));
  const work = async () => {
    const tab = await new Tab().open(browser, origin);
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [number, doc] = next;
      try {
        const { found, unsure } = await tab.look(doc, number);
        doc.done({ found: [...(await validate(doc)), ...found], unsure });
      } catch (error) {
        doc.fail(error);
      }
    }
  };
  for (const doc of documents) doc.seen.catch(() => {}); // whoever waits for it is told
  const tabs = Array.from({ length: TABS }, work);
  return async () => {
    await Promise.all(tabs);
    await browser.close();
    server.closeAllConnections();
    server.close();
  };
}
