#!/usr/bin/env node
// The whole product as an ordinary user: set-up, a server, a deploy, an orderly end.
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bin, check, done, equal, scratch, startProduct, startTarget, test, top } from "../lib/product.mjs";
import { addServer, createEnvironment, deploy, health, setUp } from "../lib/flow.mjs";

const UID = 64321;
// As root: run this file again as an account of our own that only we see, in a mount namespace with another /etc/passwd.
if (process.getuid() === 0) {
  const home = mkdtempSync("/tmp/wl-user-");
  execFileSync(join(top, "tools/private-sshd.sh"), ["--prepare", join(home, "prepared")]); // what it fetches is kept below build/
  writeFileSync(join(home, "passwd"), readFileSync("/etc/passwd", "utf8") + `ordinary:x:${UID}:${UID}::${home}:/bin/sh\n`);
  chownSync(home, UID, UID);
  const inside = 'mount --bind "$1/passwd" /etc/passwd; exec setpriv --reuid="$2" --regid="$2" --clear-groups "$3" "$4"';
  const run = spawnSync("unshare", ["-m", "--propagation", "private", "sh", "-euc", inside, "sh", home, String(UID), process.execPath, fileURLToPath(import.meta.url)], {
    stdio: "inherit",
    env: { ...process.env, HOME: home, TMPDIR: home, USER: "ordinary", LOGNAME: "ordinary" },
  });
  rmSync(home, { recursive: true, force: true });
  process.exit(run.status ?? 1);
}

let product, target, client, environment;
await test("it starts, and says that one user holds all programs", async () => {
  product = await startProduct();
  check(/all programs share one user/.test(product.output()), product.output());
});
await test("set-up, a server, an app", async () => {
  target = await startTarget();
  client = await setUp(product);
  await addServer(client, target);
  equal((await client.submit("/apps/new", { slug: "hello", name: "Hello", note: "" })).status, 200, "app");
  // Into a folder of our own: build/ may belong to whoever built.
  const packed = scratch("packed");
  execFileSync(join(top, "examples/hello/package.sh"), [join(bin, "hello"), packed]);
  const sent = await client.upload("/apps/hello", "/apps/hello/artefacts", { version: "1.0.0" }, join(packed, "hello-1.0.0.tar.gz"));
  equal(sent.status, 200, "upload");
  rmSync(packed, { recursive: true });
  environment = await createEnvironment(client);
});
await test("a deploy goes live", async () => {
  const model = await deploy(client, environment, "1.0.0");
  equal(model.job.status.state, "live", JSON.stringify(model.job.summary));
  equal((await health(environment.port)).version, "1.0.0");
});
await test("it ends without a process left", async () => {
  await target.stop();
  await product.stop();
  equal(product.leftovers.length, 0);
});
await done();
