#!/usr/bin/env node
// From the sign-in to a live deploy with the keyboard alone, the focus always visible; and what the live page shows is, to the byte, what
// the log file holds, though the connection is cut in the middle.
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";
import { CALM, launch } from "./lib/chromium.mjs";

const { test, check, equal, until } = lib;
const { product, client, environment } = await flow.stage(lib, { environment: { slug: "production", tier: "production" } });
const browser = await launch();
const context = await browser.newContext({ ...CALM, viewport: { width: 1280, height: 900 } });
const page = await context.newPage();

const focused = () => page.evaluate(() => {
  const node = document.activeElement;
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  return { text: (node.innerText || node.value || "").trim(), name: node.name ?? "", ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0, shown: box.width > 0 && box.height > 0 };
});

// Press Tab until `is` holds for what has the focus; everything passed must be visible and have a ring.
async function tabTo(what, is) {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press("Tab");
    const now = await focused();
    if (now.text || now.name) check(now.ring, `${what}: "${now.text.slice(0, 40) || now.name}" shows that it has the focus`);
    if (is(now)) return;
  }
  throw new Error(`80 Tabs do not lead to ${what} on ${page.url()}`);
}

await test("sign in with the keyboard", async () => {
  await page.goto(`${product.url}/login`);
  if ((await focused()).name !== "login") await tabTo("the login", (now) => now.name === "login");
  await page.keyboard.type("ann");
  await tabTo("the password", (now) => now.name === "password");
  await page.keyboard.type(flow.PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${product.url}/`);
});

await test("the first Tab offers to skip the navigation", async () => {
  await page.keyboard.press("Tab");
  check(/skip/i.test((await focused()).text), `it is "${(await focused()).text}"`);
});

await test("from the environment's Deploy to a live job", async () => {
  await page.goto(product.url + environment.href);
  await tabTo("Deploy", (now) => /^(Deploy|Redeploy)/.test(now.text));
  await page.keyboard.press("Enter");
  await page.waitForURL("**/deploy*");
  await tabTo("the Deploy button", (now) => /^Deploy \S+ to/.test(now.text));
  await page.keyboard.press("Enter");
  await page.waitForURL("**/jobs/*");
  const model = await flow.waitForJob(client, new URL(page.url()).pathname.split("/")[2]);
  check(["live", "failed", "reverted"].includes(model.job.status.state));
  await page.waitForSelector("#job[data-ended=true]"); // the page loads itself again then, which must not meet the next visit
});

await test("live lines are the log file's lines, over a cut connection", async () => {
  await client.submit(`${environment.href}/settings`, { "settings.migrate_command": 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); printf "line %s \\033[1mbold\\033[0m <b>&amp;\\n" $i; sleep 0.01; done' });
  const id = await flow.startDeploy(client, environment, "1.0.0");
  await page.goto(`${product.url}/jobs/${id}`);
  await until("lines on the page", async () => (await page.locator("main").innerText()).includes("line 60 "), 30000);
  const [stream] = product.pidsOf("windlass-stream");
  product.kill(stream);
  // By then the step may be folded: what is in the page counts, not what is unfolded.
  const shown = await until("the last line", () => page.evaluate(() => {
    const text = [...document.querySelectorAll("main .log [id*='-L']")].map((line) => line.textContent).join("\n");
    return text.includes("line 300 ") ? text : "";
  }), 60000, 50);
  const numbers = [...shown.matchAll(/line (\d+) bold <b>&amp;/g)].map((m) => Number(m[1]));
  equal(JSON.stringify(numbers), JSON.stringify(Array.from({ length: 300 }, (_, i) => i + 1)), "each line once, in order");
  await flow.waitForJob(client, id);
});

await test("? lists the shortcuts, Escape closes them", async () => {
  // A page of its own: the job's page loads itself again at the end.
  const apps = await context.newPage();
  await apps.goto(`${product.url}/apps`);
  await apps.keyboard.press("?");
  check(await apps.locator("dialog[open]").isVisible(), "the list is open");
  await apps.keyboard.press("Escape");
  equal(await apps.locator("dialog[open]").count(), 0);
});

await browser.close();
await lib.done();
