#!/usr/bin/env node
// The secrets editor as people use it: two of them at once in two browsers, with and without JavaScript, by the keyboard; a .env pasted and
// dropped; a value revealed, copied and gone again. What was typed or stored hidden is never in a page, the answer to a reveal aside.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";
import { CALM, launch } from "./lib/chromium.mjs";

const { test, check, equal, until, top } = lib;
const { product, client, environment } = await flow.stage(lib);
const browser = await launch();
const S = `${environment.href}/secrets`;
const troubles = [];

class Person {
  static async signIn(name, login, options) {
    const person = new Person();
    person.context = await browser.newContext({ ...CALM, viewport: { width: 1280, height: 900 }, permissions: options.javaScriptEnabled === false ? [] : ["clipboard-read", "clipboard-write"], ...options });
    person.page = await person.context.newPage();
    person.page.on("pageerror", (error) => troubles.push(`${name}: ${error.message}`));
    person.page.on("console", (line) => /Content Security Policy|Trusted/.test(line.text()) && troubles.push(`${name}: ${line.text()}`));
    await person.page.goto(`${product.url}/login`);
    await person.page.fill("[name=login]", login);
    await person.page.fill("[name=password]", flow.PASSWORD);
    await person.press(person.page.getByRole("button", { name: "Sign in" }));
    return person;
  }
  async press(button) {
    await Promise.all([this.page.waitForNavigation({ waitUntil: "load" }), button.click()]);
  }
  button(name) {
    return this.page.getByRole("button", { name });
  }
  go(path) {
    return this.page.goto(product.url + path);
  }
  // The row of a key; a new one is typed into the first empty row.
  async type(key, value, kind) {
    const stored = this.page.getByLabel(new RegExp(`^(New value|Value) of ${key}(;|$)`));
    if (await stored.count()) {
      await stored.fill(value);
      return;
    }
    const keys = this.page.locator('.blank [name^="key."]');
    for (let i = 0; i < (await keys.count()); i++) {
      if ((await keys.nth(i).inputValue()) !== "") continue;
      const index = (await keys.nth(i).getAttribute("name")).split(".")[1];
      await keys.nth(i).fill(key);
      if (kind) await this.page.selectOption(`[name="kind.${index}"]`, kind);
      await this.page.fill(`[name="value.${index}"]`, value);
      return;
    }
    throw new Error("no empty row");
  }
  async hides(...values) {
    const text = await this.page.content();
    for (const value of values) check(!text.includes(value), `${value} is in ${this.page.url()}`);
  }
}

execFileSync(join(top, "build", process.env.SAN === "1" ? "san" : "", "bin/windlass"), ["user", "add", "ben", "--name", "Ben Ito", "--role", "maintainer"], { env: { ...process.env, WL_VAR: product.var }, input: `${flow.PASSWORD}\n` });
const ann = await Person.signIn("ann", "ann", {});
const ben = await Person.signIn("ben, without JavaScript", "ben", { javaScriptEnabled: false, viewport: { width: 390, height: 800 }, colorScheme: "dark" });

await test("the first secrets: reviewed, saved, and not in a page", async () => {
  await ann.go(S);
  await ann.type("API_TOKEN", "canary-token-1");
  await ann.type("GREETING", "Good morning", "plain");
  await ann.type("SMTP_PASSWORD", "canary-smtp-1", "write_only");
  await ann.press(ann.button("Review changes"));
  await ann.hides("canary-token-1", "canary-smtp-1");
  check((await ann.page.locator("main").innerText()).includes("3 added, 0 changed, 0 removed, 0 unchanged"), "the summary");
  await ann.page.fill("[name=message]", "The first ones");
  await ann.press(ann.button("Save only"));
  await ann.hides("canary-token-1", "canary-smtp-1");
  check((await ann.page.locator("main").innerText()).includes("The first ones"), "the message");
});

await test("what is wrong is named at its row, and nothing hidden has to be typed again", async () => {
  await ben.go(S);
  await ben.type("NEW_ONE", "canary-new-1");
  await ben.type("BAD-KEY", "x", "plain");
  await ben.press(ben.button("Review changes"));
  check(/BAD-KEY/.test(await ben.page.locator("[data-errors]").innerText()), "the key is named");
  await ben.hides("canary-new-1");
  const bad = ben.page.locator('.blank [name^="key."]').filter({ has: ben.page.locator('xpath=self::*[@value="BAD-KEY"]') });
  await bad.fill("GOOD_KEY");
  await ben.press(ben.button("Review changes"));
  check((await ben.page.locator("main").innerText()).includes("2 added"), "both are there");
  await ben.press(ben.button("Save only"));
  equal(product.sql("SELECT count(*) AS n FROM secret_entry WHERE number = 2")[0].n, 5);
});

await test("two people at once: nothing of either is lost, and who saves second decides what both changed", async () => {
  await ann.go(S);
  await ben.go(S);
  await ann.type("GREETING", "Good evening from Ann");
  await ann.type("API_TOKEN", "canary-token-ann");
  await ann.type("ONLY_ANN", "canary-only-ann");
  await ben.type("GREETING", "Good evening from Ben");
  await ben.type("ONLY_BEN", "canary-only-ben");
  await ben.page.check('[name^="remove."] >> nth=4');
  await ann.press(ann.button("Review changes"));
  await ben.press(ben.button("Review changes"));
  await ann.press(ann.button("Save only"));
  await ben.press(ben.button("Save only"));
  equal(new URL(ben.page.url()).pathname.includes("/review/"), true);
  const text = await ben.page.locator("main").innerText();
  for (const part of ["Ann Weaver saved s3", "Good morning", "Good evening from Ann", "Good evening from Ben", "ONLY_ANN", "ONLY_BEN"]) check(text.includes(part), `all three sides are shown: ${part}`);
  await ben.hides("canary-only-ann", "canary-only-ben", "canary-token-ann");
  await ben.page.check('[name="choice.GREETING"][value="mine"]');
  await ben.press(ben.button("Bring both together"));
  await ben.press(ben.button("Save only"));
  const rows = Object.fromEntries(product.sql("SELECT key, plain FROM secret_entry WHERE number = 4").map((row) => [row.key, row.plain]));
  equal(rows.GREETING, "Good evening from Ben");
  check("ONLY_ANN" in rows && "ONLY_BEN" in rows && !("GOOD_KEY" in rows), `both sides' changes: ${Object.keys(rows)}`);
});

await test("a value is revealed in its place, and goes away; copying does not show it", async () => {
  await ann.go(`${S}/key/API_TOKEN`);
  await ann.hides("canary-token-ann");
  await ann.button("Reveal").first().click();
  await ann.page.waitForSelector(".revealed");
  equal(await ann.page.locator(".revealed .value").innerText(), "canary-token-ann");
  await ann.page.getByRole("button", { name: "Hide" }).click();
  await ann.hides("canary-token-ann");
  await ann.button("Copy").first().click();
  await until("the clipboard", async () => (await ann.page.evaluate(() => navigator.clipboard.readText())) === "canary-token-ann");
  await ann.hides("canary-token-ann");
  const seen = product.sql("SELECT json_extract(detail, '$.purpose') AS purpose FROM audit_event WHERE verb = 'secret.reveal' ORDER BY seq").map((row) => row.purpose);
  equal(seen.join(), "show,copy", "each is in the history");
  await ann.go(`${S}/key/SMTP_PASSWORD`);
  equal(await ann.button("Reveal").count(), 0, "write-only cannot be shown");
});

await test("without JavaScript a value is shown on a page of its own, which goes away", async () => {
  await ben.go(`${S}/key/API_TOKEN`);
  await ben.press(ben.button("Reveal").first());
  equal(await ben.page.locator(".value").innerText(), "canary-token-ann");
  const answer = await ben.page.context().request.get(ben.page.url().replace(/\/reveal$/, ""));
  check(!(await answer.text()).includes("canary-token-ann"), "the page it goes to is without it");
});

await test("a .env text pasted into a key, and one dropped on the page, are merged and reviewed", async () => {
  await ann.go(S);
  const paste = (text) => ann.page.evaluate((pasted) => {
    const data = new DataTransfer();
    data.setData("text/plain", pasted);
    document.querySelector('.blank [name^="key."]').dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, text);
  await paste("# pasted\nPASTED=canary-pasted\nGREETING='Good night'\n");
  await ann.page.waitForSelector("dialog[open]");
  await ann.press(ann.page.locator("dialog").getByRole("button", { name: "Review changes" }));
  const text = await ann.page.locator("main").innerText();
  check(text.includes("1 added, 1 changed, 0 removed"), text.slice(0, 300));
  await ann.hides("canary-pasted");
  await ann.press(ann.button("Save only"));
  await ann.page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(["DROPPED=canary-dropped\nX=1\n"], ".env"));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await ann.page.waitForSelector("dialog[open]");
  check((await ann.page.locator("dialog textarea").inputValue()).includes("DROPPED"), "the file's text");
  await ann.page.keyboard.press("Escape");
});

await test("the raw text keeps what is hidden, comments and order, and names the place of a mistake", async () => {
  await ben.go(`${S}/raw`);
  await ben.hides("canary-token-ann", "canary-only-ann", "canary-smtp-1");
  const before = await ben.page.inputValue("[name=text]");
  check(before.includes("# pasted\nPASTED=kept-"), before);
  await ben.page.fill("[name=text]", `${before}BROKEN="open\n`);
  await ben.press(ben.button("Review changes"));
  check(/Line \d+, column 8/.test(await ben.page.locator("main").innerText()), "line and column");
  await ben.page.fill("[name=text]", `${before}# the last one\nLAST=1\n`);
  await ben.press(ben.button("Review changes"));
  check((await ben.page.locator("main").innerText()).includes("1 added, 0 changed, 0 removed"), "only that");
  await ben.press(ben.button("Save only"));
  await ben.go(`${S}/raw`);
  const after = await ben.page.inputValue("[name=text]");
  check(/^NEW_ONE=kept-[\s\S]*\n# pasted\nPASTED=kept-[\s\S]*\n# the last one\nLAST=kept-\w+\n$/m.test(after), `order and comments are kept: ${after}`);
});

await test("by the keyboard alone: a key is opened, changed, reviewed and saved", async () => {
  const focused = () => ann.page.evaluate(() => document.activeElement.innerText || document.activeElement.value || document.activeElement.name || "");
  const tabTo = async (what) => {
    for (let i = 0; i < 120; i++) {
      await ann.page.keyboard.press("Tab");
      if (what.test(await focused())) return;
    }
    throw new Error(`no way to ${what} on ${ann.page.url()}`);
  };
  await ann.go(S);
  await tabTo(/^API_TOKEN$/);
  await Promise.all([ann.page.waitForNavigation(), ann.page.keyboard.press("Enter")]);
  await tabTo(/^value$/);
  await ann.page.keyboard.type("canary-typed-by-keys");
  await tabTo(/^Review changes$/);
  await Promise.all([ann.page.waitForNavigation(), ann.page.keyboard.press("Enter")]);
  await tabTo(/^Save only$/);
  await Promise.all([ann.page.waitForNavigation(), ann.page.keyboard.press("Enter")]);
  equal(new URL(ann.page.url()).pathname, S);
  await ann.hides("canary-typed-by-keys");
});

await test("the amber bar appears once something is live and something else is saved, and its discard brings the live set back", async () => {
  const model = await flow.deploy(client, environment, "1.0.0");
  equal(model.job.status.state, "live", model.job.summary);
  await ben.go(environment.href);
  equal(await ben.page.locator(".undeployed").count(), 0, "nothing waits");
  await ben.go(S);
  await ben.type("GREETING", "Not yet");
  await ben.press(ben.button("Review changes"));
  await ben.press(ben.button("Save only"));
  for (const path of [environment.href, S, `${environment.href}/settings`, `${environment.href}/deploy`, `/jobs/${model.job.id}`, `${S}/history`]) {
    await ben.go(path);
    check(/1 change of secrets not deployed/.test(await ben.page.locator(".undeployed").innerText()), `the bar on ${path}`);
  }
  await ben.press(ben.page.locator(".undeployed").getByRole("button"));
  await ben.press(ben.button("Save only"));
  await ben.go(environment.href);
  equal(await ben.page.locator(".undeployed").count(), 0, "nothing waits any more");
});

await test("Save and deploy leads to the plan of the version that is live", async () => {
  await ann.go(S);
  await ann.type("GREETING", "At once");
  await ann.press(ann.button("Review changes"));
  await ann.press(ann.button("Save and deploy…"));
  equal(new URL(ann.page.url()).pathname, `${environment.href}/deploy`);
  check((await ann.page.locator("main").innerText()).includes("1.0.0"), "of that version");
});

await test("no script failed, and nothing was against the page's policy", () => equal(troubles.join("\n"), ""));

await browser.close();
await lib.done();
