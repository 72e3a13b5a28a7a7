// chromium.mjs - the browser of the tests: Debian's Chromium, driven by playwright-core; nothing of it talks to anybody by itself.
//
//   const browser = await launch()
//   const context = await browser.newContext({ ...CALM, viewport })   // what turns stands still: its frames are a tenth of a processor
import { createRequire } from "node:module";
import { join } from "node:path";
import { top } from "../../lib/product.mjs";

// Of the npm packages that tools/deps.sh has brought for the tests.
export const require = createRequire(join(process.env.WL_NODE_MODULES ?? join(top, "build/node/node_modules"), "x.js"));

export const CALM = { reducedMotion: "reduce" };

export async function launch() {
  return await require("playwright-core").chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}
