#!/usr/bin/env node
// The process that saves or reveals secrets, killed at every point: the old set or the new one, never a mix; no value without its event; and
// what was typed is still in its draft. `windlass key rotate` has its own (key_rotate.mjs).
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";

const { test, check, equal, until, scratch } = lib;
const points = scratch("points");
mkdirSync(points, { recursive: true });
chmodSync(points, 0o777); // the worker may be another user
const { product, client, environment } = await flow.stage(lib, { product: { env: { WL_FAILPOINTS: points } } });
const S = `${environment.href}/secrets`;
const KEYS = ["ALPHA", "BETA", "GAMMA"];
const valuesOf = (round) => Object.fromEntries(KEYS.map((key) => [key, `${key.toLowerCase()} of round ${round}`]));

async function review(values) {
  const fields = client.fields(await client.get(S), S);
  for (const [i, key] of KEYS.entries()) {
    fields.set(`key.${i}`, key);
    fields.set(`kind.${i}`, "secret");
    fields.set(`value.${i}`, values[key]);
  }
  const answer = await client.raw("POST", S, { body: fields });
  check(answer.url.includes("/review/"), answer.text.slice(0, 500));
  return answer;
}
async function shown() {
  const seen = {};
  for (const key of KEYS) {
    const page = await client.submit(`${S}/key/${key}`, { purpose: "show" }, { action: `${S}/key/${key}/reveal` });
    seen[key] = page.text.match(/<code class="value"[^>]*>([^<]*)</)?.[1];
  }
  return seen;
}
const newest = () => product.sql("SELECT coalesce(max(number), 0) AS number FROM secret_set")[0].number;
const events = (verb) => product.sql(`SELECT count(*) AS count FROM audit_event WHERE verb = '${verb}'`)[0].count;

// The request runs into the point, and the child that answers it is gone from one moment to the next.
async function killedAt(point, request) {
  const armed = join(points, `ask.${point}`);
  writeFileSync(armed, "");
  const answer = request();
  await until(`somebody at ${point}`, () => existsSync(`${armed}.hit`), 15000, 10);
  const children = product.pidsOf("windlass-worker", "-x", "ask");
  check(children.length >= 1, "a child answers");
  product.expectRespawn("windlass-worker part ask", children.length);
  for (const pid of children) process.kill(pid, "SIGKILL");
  rmSync(`${armed}.hit`);
  return await answer;
}

await flow.saveReviewed(client, await review(valuesOf(0)));
equal(newest(), 1, "the first set");

const SAVE = { "secrets.save.begun": false, "secrets.save.vault_written": false, "secrets.save.set_written": false, "secrets.save.committed": true };
let round = 0;
for (const [point, isSaved] of Object.entries(SAVE))
  await test(`killed at ${point}: ${isSaved ? "the new" : "the old"} set, whole, and its event`, async () => {
    const [before, told] = [newest(), events("secret.save")];
    const was = await shown();
    const values = valuesOf(++round);
    const page = await review(values);
    const answer = await killedAt(point, () => flow.saveReviewed(client, page));
    equal(answer.status, 503, "the page does not say that it was saved");
    equal(newest(), before + (isSaved ? 1 : 0), "the newest set");
    equal(events("secret.save"), told + (isSaved ? 1 : 0), "events");
    equal(JSON.stringify(await shown()), JSON.stringify(isSaved ? values : was));
    if (isSaved) return;
    const again = await flow.saveReviewed(client, await client.get(page.url)); // nothing typed is lost
    equal(again.status, 200, again.text.slice(0, 300));
    equal(newest(), before + 1, "saved after all");
    equal(JSON.stringify(await shown()), JSON.stringify(values));
  });

const REVEAL = { "secrets.reveal.collected": false, "secrets.reveal.noted": true };
for (const [point, isNoted] of Object.entries(REVEAL))
  await test(`killed at ${point}: no value is shown${isNoted ? ", though the event stays" : ", and no event"}`, async () => {
    const told = events("secret.reveal");
    const answer = await killedAt(point, () => client.submit(`${S}/key/ALPHA`, { purpose: "show" }, { action: `${S}/key/ALPHA/reveal` }));
    equal(answer.status, 503);
    check(!answer.text.includes("alpha of round"), "no value");
    equal(events("secret.reveal"), told + (isNoted ? 1 : 0), "events");
  });

await test("the history's chain holds", () => {
  const told = product.windlass("audit", "verify"); // fails with another status when it does not
  check(told.includes("event"), told);
});

await lib.done();
