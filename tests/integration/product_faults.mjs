#!/usr/bin/env node
// The tests' own eyes (tests/lib/product.mjs): a program that had to be started again, and a sanitizer's complaint, are faults; what a test
// has ended itself is none.
import { check, done, equal, faultsIn, processes, startProduct, test, until } from "../lib/product.mjs";

let product;
const children = () => processes().filter((p) => p.parent === product.pidsOf("windlass-web").find((pid) => processes().find((q) => q.pid === pid)?.parent === product.pid));

await test("a product in which nothing happens has no faults", async () => {
  product = await startProduct();
  equal(product.faults().join(), "");
});

await test("a program that ended by itself is one, with the supervisor's own words", async () => {
  const [stream] = product.pidsOf("windlass-stream");
  process.kill(stream, "SIGKILL");
  const [fault] = await until("the fault", () => product.faults().length && product.faults());
  check(fault.includes("windlass-stream ended 1 times, 1 more than") && fault.includes("signal 9 (Killed)"), fault);
  product.expectRespawn("windlass-stream");
  equal(product.faults().join(), "", "when the test says that it was its own doing");
});

await test("so is a child of windlass-web", async () => {
  const [child] = children();
  process.kill(child.pid, "SIGKILL");
  const [fault] = await until("the fault", () => product.faults().length && product.faults());
  check(fault.includes("windlass-web child ended 1 times"), fault);
  product.expectRespawn("windlass-web child");
  equal(product.faults().join(), "");
});

await test("what is said to be ended, and is not, is one too", () => {
  product.expectRespawn("windlass-worker");
  check(/ends windlass-worker 1 times, the product tells of 0/.test(product.faults()[0]), product.faults()[0]);
  product.expectRespawn("windlass-worker", -1);
});

await test("kill() ends a program and says so", async () => {
  const [worker] = product.pidsOf("windlass-worker");
  product.kill(worker);
  await until("another worker", () => product.pidsOf("windlass-worker").some((pid) => pid !== worker));
  equal(product.faults().join(), "");
});

for (const [what, line] of [
  ["a leak", "==7==ERROR: LeakSanitizer: detected memory leaks"],
  ["undefined behaviour", "worker/run.c:12:3: runtime error: signed integer overflow"],
  ["a report that could not be written", "ERROR: Can't open file: /x/report.7"],
  ["a lost runner", "time=x level=warn prog=worker pid=7 event=runner_lost job=a host=0 try=1"],
  ["a lost mask", "time=x level=warn prog=worker pid=7 event=mask_lost job=a"],
  ["a part of the worker that crashed", "time=x level=error prog=worker pid=7 event=child-ended part=ask pid=8 signal=11"],
  ["a part whose leak check failed", "time=x level=warn prog=worker pid=7 event=child-ended part=job pid=8 status=86"],
  ["a program that does not stop well", "windlass: worker ended (exit status 86)"],
])
  await test(`${what} in the log is a fault`, () => equal(faultsIn(`time=x level=info event=y\n${line}\n`).length, 1));

await test("a part of the worker that gives up is none: what it says is in the log", () =>
  equal(faultsIn("time=x level=warn prog=worker pid=7 event=child-ended part=ask pid=8 status=1\n").join(), ""));

await product.stop();
await done();
