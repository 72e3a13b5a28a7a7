#!/usr/bin/env node
// The .env parser beside the real Docker Compose v2: wherever it accepts a text, the engine reads the same values, over the table of lines on which
// programs differ and over random texts; docker run --env-file reads the same where no warning names it. And what is written for people is read back by the engine byte for byte.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as lib from "../lib/product.mjs";
import { missing, startServer } from "../lib/lab.mjs";

const { test, check, equal } = lib;
const why = await missing();
if (why) {
  await test("the .env parser beside Docker Compose", () => ({ skip: why }));
  await lib.done();
}

// --- ours ---------------------------------------------------------------------------------------------------------------------------------
const built = `${process.env.SAN === "1" ? "build/san" : "build"}/tests/browser/lib/dotenv_values`;
const program = join(lib.top, built);
execFileSync("make", ["-s", "--no-print-directory", `SAN=${process.env.SAN ?? "0"}`, built], { cwd: lib.top, stdio: ["ignore", "ignore", "inherit"] });
const folder = lib.scratch("dotenv");
lib.endAtExit({ stop: () => rmSync(folder, { recursive: true, force: true }) });
let asked = 0;
function ours(questions) {
  const [question, answer] = [join(folder, `q${++asked}.json`), join(folder, `a${asked}.json`)];
  writeFileSync(question, JSON.stringify({ texts: [], write: [], ...questions }));
  execFileSync(program, [question, answer]);
  return JSON.parse(readFileSync(answer, "utf8"));
}

// --- the engine -----------------------------------------------------------------------------------------------------------------------------
const server = await startServer({ kind: 13 });

const put = (text, file) => `echo '${Buffer.from(text).toString("base64")}' | base64 -d >${file}`;
const start = (name, texts) => [`set -e; mkdir -p /tmp/${name}; cd /tmp/${name}`, ...texts.map((text, i) => put(text, `t${i}.env`))];

// Each text is the env_file of a service of one project; one call reads all of them. `config` doubles dollar signs.
async function byEngine(name, texts) {
  const compose = { services: Object.fromEntries(texts.map((_, i) => [`s${i}`, { image: "x", env_file: [`t${i}.env`] }])) };
  const script = [...start(name, texts), put(JSON.stringify(compose), "compose.yaml"), 'exec env -i PATH="$PATH" docker compose config --format json'].join("\n");
  const out = JSON.parse(await server.exec("sh -s", { input: script }));
  return texts.map((_, i) => Object.fromEntries(Object.entries(out.services[`s${i}`].environment ?? {}).map(([key, value]) => [key, value?.replaceAll("$$", "$")])));
}

// A container that is made and never started holds what `docker run` would give it.
async function byDockerRun(name, texts) {
  const script = [...start(name, texts), "tar -c -T /dev/null | docker import - nothing >/dev/null", ...texts.map((_, i) => `docker create --env-file t${i}.env nothing x >>ids`), "docker inspect --format '{{json .Config.Env}}' $(cat ids)"];
  const lines = (await server.exec("sh -s", { input: script.join("\n") })).trim().split("\n");
  return lines.map((line) => Object.fromEntries(JSON.parse(line).map((pair) => pair.split(/=(.*)/s).slice(0, 2)).filter(([key]) => key !== "PATH")));
}

function compare(texts, mine, engines) {
  const wrong = [];
  texts.forEach((text, i) => {
    const [a, b] = [mine[i], engines[i]].map((values) => JSON.stringify(Object.entries(values).sort()));
    if (a !== b) wrong.push(`${JSON.stringify(text)}\n  ours   ${a}\n  engine ${b}`);
  });
  equal(wrong.join("\n"), "");
}

// --- the table -------------------------------------------------------------------------------------------------------------------------------
const TABLE = [
  "C=hash#tag", "D=val # c", 'A=/h\nE="a $A \\n"', "F='x $H \\n'", "A=1\nL=$A-x", "M=$$x", "I: yaml", "I:yaml", 'K="multi\nline"', "S=`id`", "G='it\\'s'", 'G="say \\"hi\\""',
  "A=", "A=\nB=2\n", "A=  two words \t\n", "A=it's \"so\"", "A=a\\nb\\", "A=x\t#y", "A=#x", "A=x #", "A=a=b:c", "  export \t A \t=\t1", "export=1", "exports=1", "export_A=1",
  "\ufeffA=1\r\nB=2 # c\r\n", "A=x\u00a0\u3000\n", "A=\u00a0x", "A=\u3000x", "\u3000A=1", "A=cost: 5$", "A=$5 $( $}", "A=a$ b$", "A=$-x $! $?",
  'A="\\n\\t\\\\\\"\\$X"', 'A="\\q \\c \\\' \\` \\}"', 'A="\\0101\\0351"', 'A="\\0 \\012 \\0400 \\0180 \\01234"', "A='a\\\\'", "A='a\\\\\\'b'", "A='\\n\\\"'", 'A="x" # c\nB=1', "A='x'#c", "A=''", 'A=""', 'A="\\\\"', 'A="\\\\n"', 'A="\\\\\\\\"', 'A="a\\\\\\"b"',
  "A=1\nB=${A}${A}$A", "B=${X:-d}", "A=\nB=${A:-d}|${A-d}", "A=1\nB=${A:+r}|${X:+r}|${A+r}|${X+r}", "A=\nB=${A:+r}|${A+r}", "A=1\nB=${A:?e}${A?e}", "A=1\nB=${X:-${Y:-<$A>}}",
  'B=${X:-{"json":1}}', "B=${X:-{}}", "B=${X:-{{x}}}", "A=1\nB=${A:-{{x}}}", 'B="${WL_D:-\\}${WL_D:-$}{"', "A=1\nB='${A}'", "A=1\nB=$$$$A", "A='$x'\nB=$A", "B=${X:-a}b}", "B=${X:-a}${X:-b}} }", "B=${X-a:-b?c+d}", "A=1\nB=${A:-x}$${B:-y}", 'B="${X:-a} }\n${X:-b}"', "B=${X:-$$}", "B=${X:-}", "B=${_x1:-y}",
  "# c\n\n  # d\nA=1 # e\n# f", "A=1\n\n\nB=2", "A='x\n# no comment\ny'\nB=2",
];

const table = ours({ texts: TABLE }).texts;
await test("every line of the table that must be accepted is", () => equal(table.filter((t) => t.errors.length).map((t) => t.errors.join()).join("\n"), ""));
await test("the engine reads the same from each of them", async () => {
  const version = (await server.exec("docker compose version --short")).trim();
  check(/^v?2\./.test(version), version);
  compare(TABLE, table.map((t) => t.values), await byEngine("table", TABLE));
});

// --- random texts --------------------------------------------------------------------------------------------------------------------------------
let seed = 20261125;
const dice = (n) => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 8) % n;
const PIECES = ["a", "Z0", " ", "'", '"', "\\", "$", "$A", "${B}", "${X:-d}", "${A:+e}", "${X-", "${E:-", "}", "$$", "#", " #", "`", "~", ":", "=", "\n", "{", "{}", "!", "(", "é", "\\n", "\\0101", "\\'", '\\"', "\\$", "$5", "\t", "\u00a0", "${", "?", "-", "+"];
function randomText() {
  const quote = ["", "'", '"'][dice(3)];
  const body = Array.from({ length: dice(10) }, () => PIECES[dice(PIECES.length)]).join("");
  const end = ["\n", "\r\n", " # note\n", " \n"][dice(4)];
  return `A=1\nB='x y'\nE=\nT${["=", "= ", " =", ": "][dice(4)]}${quote}${body}${quote}${end}Z=9\n`;
}
await test("the engine reads the same from random texts, wherever they are accepted", async () => {
  const texts = [...new Set(Array.from({ length: 6000 }, randomText))];
  const read = ours({ texts }).texts;
  const good = texts.map((text, i) => ({ text, values: read[i].values, errors: read[i].errors })).filter((t) => t.errors.length === 0);
  check(good.length > 400, `${good.length} of ${texts.length} are accepted`);
  const some = good.filter((t) => /[\\$#'"]/.test(t.text.slice(15))).slice(0, 400);
  compare(some.map((t) => t.text), some.map((t) => t.values), await byEngine("random", some.map((t) => t.text)));
});

const DOCKER = 8; // DOTENV_DOCKER
await test("docker run --env-file reads the same from random texts, where no warning names it", async () => {
  const texts = [...new Set(Array.from({ length: 16000 }, randomText))].map((text) => text.replace("B='x y'", "B=x y"));
  const read = ours({ texts }).texts;
  const good = texts.map((text, i) => ({ text, ...read[i] })).filter((t) => t.errors.length === 0 && !t.warnings.some((w) => w.readers & DOCKER));
  check(good.length > 60, `${good.length} of ${texts.length} have no warning`);
  const some = good.slice(0, 80);
  compare(some.map((t) => t.text), some.map((t) => t.values), await byDockerRun("run", some.map((t) => t.text)));
});

// --- written for people ---------------------------------------------------------------------------------------------------------------------------
await test("what is written for people arrives byte for byte", async () => {
  const sets = Array.from({ length: 20 }, () =>
    Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`K${i}`, Array.from({ length: dice(12) }, () => PIECES[dice(PIECES.length)]).join("")])));
  compare(sets.map((set) => JSON.stringify(set)), sets, await byEngine("people", ours({ write: sets }).write));
});

await lib.done();
