// print_environment.mjs - what a careless app does: it prints its whole environment, in every form in which programs write values, in writes of 1 to 7 bytes.
//
//   node print_environment.mjs TIMES     as the app. OLD_HEX holds values, in hexadecimal, that it knew once: {name: value}
//   FORMS                                name -> (entries) => text
//   needles(value)                       {form: [text, ...]}: what shows of the value in each form; all of them when nothing hides it
import { writeSync } from "node:fs";
import { fileURLToPath } from "node:url";

const inSingle = (value) => `'${value.replaceAll("'", "'\\''")}'`;
const inExport = (value) => value.replace(/'+|[^']+/g, (part) => (part[0] === "'" ? `"${part}"` : `'${part}'`)); // dash, busybox: export -p
const inDouble = (value) => `"${value.replace(/["\\$`]/g, "\\$&")}"`;
const inDollar = (value) => `$'${[...Buffer.from(value)].map((c) => (c === 10 ? "\\n" : c === 0x27 || c === 0x5c ? `\\${String.fromCharCode(c)}` : c < 32 || c > 126 ? `\\${c.toString(8).padStart(3, "0")}` : String.fromCharCode(c))).join("")}'`;
const inUrl = (value) => encodeURIComponent(value);
const inForm = (value) => new URLSearchParams({ v: value }).toString().slice(2);
const inJson = (value) => JSON.stringify(value);
const inAscii = (value) => JSON.stringify(value).replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

const lines = (entries, write) => entries.map(([key, value]) => `${key}=${write(value)}\n`).join("");
const block = (entries) => Buffer.from(lines(entries, (value) => value));
const wrapped = (text) => text.replace(/.{76}/g, "$&\n");

export const FORMS = {
  raw: (entries) => lines(entries, (value) => value),
  base64: (entries) => `${block(entries).toString("base64")}\n`,
  "base64 in lines": (entries) => `${wrapped(block(entries).toString("base64"))}\n`,
  base64url: (entries) => `${block(entries).toString("base64url")}\n`,
  url: (entries) => `${entries.map(([key, value]) => `${key}=${inUrl(value)}`).join("&")}\n`,
  form: (entries) => `${entries.map(([key, value]) => `${key}=${inForm(value)}`).join("&")}\n`,
  json: (entries) => `{${entries.map(([key, value]) => `"${key}":${inJson(value)}`).join(",")}}\n`,
  "json in ascii": (entries) => `{${entries.map(([key, value]) => `"${key}":${inAscii(value)}`).join(",")}}\n`,
  "single quotes": (entries) => lines(entries, inSingle),
  export: (entries) => lines(entries, inExport),
  "double quotes": (entries) => lines(entries, inDouble),
  "dollar quotes": (entries) => lines(entries, inDollar),
};

// The digits that depend on the value alone, at each alignment. Only one of them shows at a time.
function digits(value, url) {
  const bytes = Buffer.from(value);
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(url ? "base64url" : "base64");
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

const between = (text, n = 1) => text.slice(n, -1);
const longLines = (text) => text.split("\n").filter((line) => line.length >= 6 && !line.includes("-----"));

export function needles(value) {
  return {
    raw: longLines(value),
    base64: digits(value, false),
    base64url: digits(value, true),
    url: [inUrl(value)],
    form: [inForm(value)],
    json: [between(inJson(value))],
    "json in ascii": [between(inAscii(value))],
    "single quotes": longLines(between(inSingle(value))),
    export: longLines(between(inExport(value))),
    "double quotes": longLines(between(inDouble(value))),
    "dollar quotes": [between(inDollar(value), 2)],
  };
}

// A file that is read while it is written: each write is a read boundary for somebody.
function inPieces(bytes) {
  for (let at = 0, n = 1; at < bytes.length; at += n, n = (n % 7) + 1) writeSync(1, bytes.subarray(at, at + n));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { OLD_HEX = "", ...environment } = process.env;
  const old = JSON.parse(Buffer.from(OLD_HEX, "hex").toString() || "{}");
  const entries = Object.entries({ ...environment, ...old });
  for (let times = Number(process.argv[2]); times > 0; times--) for (const write of Object.values(FORMS)) inPieces(Buffer.from(write(entries)));
}
