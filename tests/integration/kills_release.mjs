#!/usr/bin/env node
// The recipe `release` with everything killed in every step (lib/kills.mjs says how), against private SSH servers.
import { readdirSync } from "node:fs";
import * as lib from "../lib/product.mjs";
import * as flow from "../lib/flow.mjs";
import { killEverything } from "./lib/kills.mjs";
import { startPrivateTarget } from "./lib/kills_target.mjs";

const { check, equal } = lib;

// The app of 1.2.0 ends at once, so that its restart fails and the old release is put back. The others wait while the test wants to meet the health step
// in its middle: they do not listen yet, and the runner says so.
const start = 'case $(cat VERSION) in 1.2.0) exit 3 ;; esac; while [ -e "$HOME/kills/health.midway" ]; do sleep 0.05; done; exec ./hello';
const untilItListens = {
  arm: (target) => target.write("kills/health.midway", ""),
  isReached: (target, log) => log.includes("w Not healthy yet: "),
  letGo: (target) => target.remove("kills/health.midway"),
};

await killEverything({
  name: "release",
  isCheap: true,
  good: "1.0.0",
  bad: "1.2.0",
  fails: "restart",
  newTarget: startPrivateTarget,
  newApp: flow.createApp,
  newEnvironment: async (client, slug) => {
    const port = await lib.freePort();
    const more = { start_command: start, pre_deploy: "true", post_deploy: "true", migrate_command: 'echo migrated >>"$HOME/migrated"', health_count: "1", health_soak_s: "0", health_deadline_s: "60" };
    return await flow.createEnvironment(client, { slug, servers: [slug], settings: flow.helloSettings(slug, port, more) });
  },
  // The old release is put back on its own port: who asks the new one for its health did not heed what the undo steps say.
  beforeBad: async (client, environment) => {
    const saved = await client.submit(`${environment.href}/settings`, { "settings.port": String(await lib.freePort()) });
    equal(saved.status, 200, "settings saved");
  },
  truth: async (target, environment) => {
    // hello gives up on a request that comes slowly, and ours may: this process waits for many things at once.
    const { status, version } = await lib.until("an answer of the app", () => flow.health(environment.port), 20000);
    const current = await target.read(`apps/${environment.slug}/current/VERSION`);
    equal(current.trim(), version, "the link current, and who answers");
    return { healthy: status === "healthy", version };
  },
  isOfApp: (command) => command === "./hello" || /^sh \S+\/\.windlass\/keeper\.sh /.test(command),
  halfway: { health: untilItListens, health_old: untilItListens },
  look: async (target, environment, deploys) => {
    const migrations = (await target.read("migrated")).split("\n").filter(Boolean).length;
    equal(migrations, deploys.length, "times the migrate command ran in all deploys");
    const releases = await target.list(`apps/${environment.slug}/releases`);
    check(!releases.some((name) => name.endsWith(".incomplete")), `half a release is left: ${releases}`);
  },
});
await lib.done();
