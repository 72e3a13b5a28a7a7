#!/usr/bin/env node
// The whole path in Chromium: set-up, add a server, confirm its key, check, app, artefacts, environment, deploy, watch, a broken
// deploy reverted, audit, profile, sign out. Once with JavaScript and once without, light and dark, wide and 390 px. On every page
// that is passed: no CSP violation, no script error, no sideways scrolling, no request to another origin.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";
import { CALM, launch } from "./lib/chromium.mjs";

const { test, check, equal, until } = lib;

// WL_SCREENSHOTS=folder keeps a picture of every page passed.
const shots = process.env.WL_SCREENSHOTS;
if (shots) mkdirSync(shots, { recursive: true });

const browser = await launch();

class Visitor {
  constructor(name, product) {
    this.name = name;
    this.product = product;
    this.complaints = [];
  }
  async open(options) {
    this.context = await browser.newContext({ ...CALM, ...options, baseURL: this.product.url });
    this.page = await this.context.newPage();
    this.page.on("console", (message) => {
      // A refused form answers 422, which Chromium logs as a failed load; that is what a refusal is.
      if (message.type() === "error" && !/status of (4\d\d)/.test(message.text())) this.complaints.push(`console: ${message.text()}`);
    });
    this.page.on("pageerror", (error) => this.complaints.push(`script: ${error.message}`));
    this.page.on("request", (request) => {
      if (!request.url().startsWith(this.product.url)) this.complaints.push(`request to ${request.url()}`);
    });
    return this;
  }
  async seen(label) {
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth).catch(() => 0);
    if (wide > 0) this.complaints.push(`${label}: scrolls sideways by ${wide} px`);
    if (shots) await this.page.screenshot({ path: join(shots, `${this.name}-${label}.png`), fullPage: true });
  }
  go(path) {
    return this.page.goto(path);
  }
  async fill(values) {
    for (const [name, value] of Object.entries(values)) {
      const box = this.page.locator(`[name="${name}"]:not([type=hidden])`).first();
      const kind = await box.evaluate((node) => (node.tagName === "SELECT" ? "select" : node.type));
      if (kind === "select") await box.selectOption(value);
      else if (kind === "radio") await this.page.locator(`[name="${name}"][value="${value}"]`).check({ force: true });
      else if (kind === "checkbox") await box.setChecked(value !== "", { force: true });
      else await box.fill(value);
    }
  }
  // Send the form that holds `selector` by its own button.
  async send(selector) {
    const form = this.page.locator("form", { has: this.page.locator(selector) }).first();
    await this.press(form.locator("button:not([type=button]):not([formaction])").last());
  }
  // Click what leads to another page (or to this one anew) and wait for it.
  async press(button) {
    await Promise.all([this.page.waitForNavigation({ waitUntil: "load" }), button.click()]);
  }
  path() {
    return new URL(this.page.url()).pathname;
  }
  async close() {
    await this.context.close();
  }
}

const tarballs = lib.helloTarballs();

async function wholePath(name, options) {
  const product = await lib.startProduct();
  const target = await lib.startTarget();
  const ann = await new Visitor(name, product).open(options);
  const { page } = ann;
  const port = await lib.freePort();

  await test(`${name}: set-up makes the first admin and signs in`, async () => {
    await ann.go(new URL(product.setupUrl).pathname);
    await ann.seen("setup");
    await ann.fill({ name: "Ann Weaver", login: "ann", password: "short" });
    await ann.page.locator("form").first().evaluate((form) => form.setAttribute("novalidate", ""));
    await ann.send("[name=password]");
    check((await page.content()).includes("12"), "a short password is refused with the rule");
    equal(await page.locator("[name=login]").inputValue(), "ann", "what was typed is kept");
    await ann.seen("setup-refused");
    await ann.fill({ name: "Ann Weaver", login: "ann", password: flow.PASSWORD });
    await ann.send("[name=password]");
    equal(ann.path(), "/");
    await ann.seen("home-empty");
    const again = await page.context().request.get(product.setupUrl);
    equal(again.status(), 404, "the set-up address is closed");
  });

  await test(`${name}: sign out, a wrong password, sign in`, async () => {
    await page.locator('form[action="/logout"] button').first().evaluate((button) => button.click());
    await page.waitForURL("**/login*");
    await ann.seen("login");
    await ann.fill({ login: "ann", password: "not the password" });
    await ann.send("[name=password]");
    equal(ann.path(), "/login");
    await ann.seen("login-refused");
    await ann.fill({ login: "ann", password: flow.PASSWORD });
    await ann.send("[name=password]");
    equal(ann.path(), "/");
  });

  await test(`${name}: add a server, confirm its key, check it`, async () => {
    await ann.go("/servers");
    await ann.seen("servers-empty");
    await ann.go("/servers/new");
    await ann.seen("server-new");
    await ann.fill({ address: target.address, slug: "box" });
    await ann.send("[name=address]");
    equal(ann.path(), "/servers/box");
    const text = await page.locator("body").innerText();
    const line = text.match(/restrict,port-forwarding,permitopen="127\.0\.0\.1:\*" ssh-ed25519 \S+ \S+/)?.[0];
    check(line, "the line for authorized_keys is on the page");
    target.authorize(line);
    await ann.go("/servers/box?ask=1");
    await ann.seen("server-pin");
    check((await page.locator("body").innerText()).includes(target.fingerprint()), "the fingerprint is shown");
    await ann.send('[name="print"]');
    await ann.go("/servers/box");
    await ann.press(page.locator('form[action="/servers/box/check"] button').first());
    await until("the check to end", async () => product.sql("SELECT state FROM server")[0].state === "ready", 60000);
    await ann.go("/servers/box");
    await ann.seen("server");
    await ann.go("/servers");
    await ann.seen("servers");
  });

  await test(`${name}: a registry is added, gets another password, is removed`, async () => {
    await ann.go("/registries");
    await ann.seen("registries-empty");
    await ann.go("/registries/new");
    await ann.seen("registry-new");
    await ann.fill({ host: "https://ghcr.example", slug: "team-images", login: "robot$team", password: "CANARY-4712-first" });
    await ann.send("[name=host]");
    equal(await page.locator("[name=login]").inputValue(), "robot$team", "what was typed is kept");
    equal(await page.locator("[name=password]").inputValue(), "", "the password is not");
    check((await page.locator("main").innerText()).includes("Type the password again"), "and that is said");
    await ann.seen("registry-new-refused");
    await ann.fill({ host: "ghcr.example", password: "CANARY-4712-first" });
    await ann.send("[name=host]");
    equal(ann.path(), "/registries/team-images");
    await ann.seen("registry");
    await ann.fill({ login: "robot", password: "CANARY-4712-second" });
    await ann.send("[name=login]");
    equal(product.sql("SELECT login FROM registry")[0].login, "robot");
    check(!(await page.content()).includes("CANARY-4712"), "no password is in the page");
    await ann.go("/registries");
    await ann.seen("registries");
    await ann.press(page.locator("main .row-link"));
    await page.locator("[name=confirm]").check();
    await ann.press(page.getByRole("button", { name: "Remove registry" }));
    equal(ann.path(), "/registries");
    equal(product.sql("SELECT count(*) AS n FROM registry WHERE archived_at IS NULL")[0].n, 0);
  });

  await test(`${name}: an app, three artefacts, an environment`, async () => {
    await ann.go("/apps");
    await ann.seen("apps-empty");
    await ann.go("/apps/new");
    await ann.fill({ slug: "Hello!", name: "Hello" });
    await ann.page.locator("form").last().evaluate((form) => form.setAttribute("novalidate", ""));
    await ann.send("[name=slug]");
    await ann.seen("app-new-refused");
    await ann.fill({ slug: "hello", name: "Hello", note: "The example.\nTwo lines." });
    await ann.send("[name=slug]");
    equal(ann.path(), "/apps/hello");
    for (const [version, file] of Object.entries(tarballs)) {
      await ann.go("/apps/hello");
      const form = page.locator('form[enctype="multipart/form-data"]');
      await form.evaluate((node) => { for (let up = node.parentElement; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true; });
      await form.locator('[name="version"]').fill(version);
      await form.locator('[name="file"]').setInputFiles(file);
      await ann.press(form.locator("button").last());
    }
    equal(product.sql("SELECT count(*) AS n FROM artefact")[0].n, 3);
    await ann.go("/apps/hello/new?recipe=release");
    await ann.seen("env-new");
    const values = { slug: "production", tier: "production", "server.box": "1" };
    for (const [key, value] of Object.entries(flow.helloSettings("hello-production", port))) values[`settings.${key}`] = value;
    await ann.fill(values);
    await ann.send('[name="settings.port"]');
    equal(ann.path(), "/apps/hello/production");
    await ann.seen("env-never");
    await ann.go("/apps/hello");
    await ann.seen("app");
  });

  await test(`${name}: secrets are saved and never shown again`, async () => {
    await ann.go("/apps/hello/production/secrets");
    const rows = page.locator('[name^="key."]');
    const index = (await rows.first().getAttribute("name")).split(".")[1];
    await ann.fill({ [`key.${index}`]: "API_TOKEN", [`kind.${index}`]: "secret", [`value.${index}`]: "CANARY-4711-'\"$(id)`x`" });
    await ann.send(`[name="key.${index}"]`);
    check(ann.path().includes("/secrets/review/"), `the changes are reviewed first, not ${ann.path()}`);
    check(!(await page.content()).includes("CANARY-4711"), "the value is not in the review");
    await ann.seen("secrets-review");
    await ann.press(page.getByRole("button", { name: "Save only" }));
    equal(ann.path(), "/apps/hello/production/secrets");
    await ann.go("/apps/hello/production/secrets");
    check(!(await page.content()).includes("CANARY-4711"), "the value is not in the page");
    check((await page.content()).includes("API_TOKEN"), "the key is");
    await ann.seen("secrets");
  });

  // With JavaScript the servers are asked when the page opens, and what they say comes beside what is being typed; else there is a button.
  async function seeServers(version) {
    const look = page.locator("#look"), typed = `typed while they were asked about ${version}`;
    if (options.javaScriptEnabled === false) {
      await ann.press(look.getByRole("button", { name: "Look at the servers" }));
      await until("the servers' answer", async () => {
        if ((await look.innerText()).includes("Seen")) return true;
        await ann.go(`/apps/hello/production/deploy?version=${version}`);
        return false;
      }, 30000, 500);
    }
    await page.locator("#f-why").fill(typed);
    await until("the servers' answer", async () => (await look.innerText()).includes("Seen"), 30000, 200);
    check((await look.innerText()).includes("Room for the release"), "the room is told");
    equal(await page.locator("#f-why").inputValue(), typed, "what was typed is kept");
    await ann.seen(`deploy-seen-${version}`);
  }

  async function deployAndWatch(version, verdict) {
    await ann.go("/apps/hello/production");
    await ann.press(page.locator("main").getByRole("link", { name: /^(Deploy|Redeploy)/ }).first());
    equal(ann.path(), "/apps/hello/production/deploy");
    await ann.go(`/apps/hello/production/deploy?version=${version}`);
    await ann.seen(`deploy-${version}`);
    await seeServers(version);
    await ann.send("[name=plan_hash]");
    check(ann.path().startsWith("/jobs/"), `a job, not ${ann.path()}`);
    const id = ann.path().split("/")[2];
    await page.waitForTimeout(1200);
    await ann.seen(`job-running-${version}`);
    const watch = page.getByRole("link", { name: /look again every/ }); // without JavaScript only
    if (await watch.count()) await ann.press(watch);
    // The page by itself (live or by refresh) comes to show the verdict: no reload by the test.
    await until(`the page to say ${verdict}`, async () => (await page.locator("main").innerText()).toLowerCase().includes(verdict), 120000, 300).catch(async (error) => {
      throw new Error(`${error.message}; the page says: ${(await page.locator("main").innerText()).slice(0, 1500)}`);
    });
    await until("the job to end", () => product.sql(`SELECT state FROM job WHERE id = '${id}'`)[0].state === "ended", 60000);
    await page.waitForTimeout(1500);
    await ann.seen(`job-${verdict}-${version}`);
    equal(product.sql(`SELECT verdict FROM job WHERE id = '${id}'`)[0].verdict, verdict);
    return id;
  }

  await test(`${name}: Deploy 1.0.0, watch it go live`, async () => {
    await deployAndWatch("1.0.0", "live");
    equal((await flow.health(port)).version, "1.0.0");
  });

  await test(`${name}: the broken 1.2.0 is reverted before one's eyes`, async () => {
    await deployAndWatch("1.2.0", "reverted");
    equal((await flow.health(port)).version, "1.0.0");
    await ann.go("/");
    await ann.seen("home");
    await ann.go("/apps/hello/production");
    await ann.seen("env");
    check((await page.locator("main").innerText()).includes("1.0.0"), "what is live is said");
    await ann.go("/jobs");
    await ann.seen("jobs");
  });

  await test(`${name}: the audit history tells it all`, async () => {
    await ann.go("/audit");
    await ann.seen("audit");
    const text = await page.locator("main").innerText();
    for (const verb of ["deploy.reverted", "deploy.live", "deploy.request", "secret.save", "server.pin"]) check(text.includes(verb), `${verb} is on the page`);
    check(!text.includes("CANARY"), "no value of a secret");
    await ann.press(page.locator('main a[href^="/audit/"]').first());
    await ann.seen("audit-event");
  });

  await test(`${name}: profile, settings and error pages`, async () => {
    await ann.go("/profile");
    await ann.seen("profile");
    await ann.go("/apps/hello/production/settings");
    await ann.seen("env-settings");
    await ann.go("/apps/nothing-here");
    await ann.seen("not-found");
  });

  await test(`${name}: no complaint of the browser on the whole way`, () => equal(ann.complaints.join("\n"), ""));
  await ann.close();
  await product.stop();
  await target.stop();
  await test(`${name}: nothing is left running`, () => equal(product.leftovers.map((p) => p.command.join(" ")).join("; "), ""));
}

await wholePath("with-js-wide-light", { viewport: { width: 1280, height: 900 }, colorScheme: "light" });
await wholePath("without-js-phone-dark", { viewport: { width: 390, height: 844 }, colorScheme: "dark", javaScriptEnabled: false });
await browser.close();
await lib.done();
