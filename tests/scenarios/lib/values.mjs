// values.mjs - the values that break tools: a fixed list of the ones known to, any number of random ones out of the same pieces (seeded, so that a failure can
// be looked at again), and what an environment block of a process holds.
//
//   CORPUS                       {KEY: value}; none has a carriage return or another control character, which the forms refuse
//   randomValues(seed, count)    likewise, R0000 and so on
//   asEnvText(values)            the raw tab's text: the form that lib/domain/envfile.h calls ENVFILE_COMPOSE
//   readEnviron(bytes)           Map key -> value of NAME=value, each ended by NUL (proc(5))
//   differences(want, environ)   one line per key that is missing or not byte for byte the same

const PEM = `-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+/3pVq7dS1o8Yw2bqk0rHc9eXv5LmT4nZuQaGhJfBd\n-----END PRIVATE KEY-----\n`;

export const CORPUS = {
  EMPTY: "", ONE: "x", SPACE: " ", SPACES: "  a b  ", TAB: "\t", TABS: "\ta\tb\t", NEWLINE: "\n", NEWLINES: "\n\na\n\n", LAST_NEWLINE: "a\n", LINES: "one\ntwo\n  three\n",
  HASH: "#", HASHES: "a#b #c # d", HASH_FIRST: "#no comment", DOLLAR: "$", DOLLARS: "a$b $$ ${X} $(id) ${", TWO_DOLLARS: "$$", FOUR_DOLLARS: "$$$$", NAMED: "$HOME and ${HOME}", DEFAULT: "${X:-y}", REQUIRED: "${X:?no}",
  OWN: "${WL_D:-x} }", OWN_DOLLAR: "${WL_D:-$}", OWN_BACKSLASH: "${WL_D:-\\}", SINGLE: "it's 'q'", ONE_SINGLE: "'", DOUBLE: 'say "hi" "', ONE_DOUBLE: '"', IN_SINGLE: "'quoted'", IN_DOUBLE: '"quoted"', BACKTICK: "`", BACKTICKS: "`id` ``",
  TYPOGRAPHIC: "“smart” ‘quotes’ «guillemets»", BACKSLASH: "\\", BACKSLASHES: "a\\b \\n \\t \\$ \\\\ \\", BACKSLASH_NEWLINE: "a\\\nb\\\n", BACKSLASH_QUOTE: '\\"', BACKSLASH_SINGLE: "\\'", BACKSLASH_DOLLAR: "\\$X \\\\$X \\\\\\$X",
  PERCENT: "%s %d %% %", EXCLAMATION: "!! !x", EQUALS: "=a==b=", COLON: "a: b", COMMA: "a,b", DASH: "-n", AT: "@x", STAR: "* ?", BRACES: "{a,b} {{.Env}} }}", AMPERSAND: "a & b && c; d | e", TILDE: "~ ~/x", EXPORT: "export A=b", YAML: "- a: |\n    b\n", BOOLEAN: "yes", NULL: "null", NUMBER: "0o17", DATE: "2026-11-25",
  JSON: '{"k": "v$\\n\\"", "n": [1, 2], "url": "https://u:p@h/?a=b&c=%20"}', PEM, URL: "postgres://app:p%40ss@db:5432/x?sslmode=require#f", MIXED: "`x` \\\"$' !#&|;<>(){}[]*?~=:@", UNICODE: "é漢😀", EMOJI: "👩‍👩‍👧‍👦 🏳️‍🌈", COMBINING: "é", BOM: "\ufeffx", SEPARATORS: "a\u2028b\u2029c\u00a0",
  LARGE: "64 KiB of $, \\, \" and ' in\nlines.\n".repeat(2000).slice(0, 65536),
};

// Deterministic and good enough (mulberry32).
function generator(seed) {
  let a = seed >>> 0;
  return (below) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const PIECES = [
  "a", "Z", "0", "word", "key", " ", "  ", "\t", "\n", "\n\n", "#", " #", "$", "$$", "${X}", "${X:-d}", "$X", "$(id)", "${", "}", "{", "'", "''", '"', '""', "`", "\\", "\\\\", "\\n", "\\\n", '\\"', "\\'", "\\$", "=", ":", ": ", ",",
  "%", "%s", "!", "&", "|", ";", "<", ">", "(", ")", "[", "]", "*", "?", "~", "@", "-", "/", "+", "^", "_", ".", "é", "漢", "😀", "\u2028", "\u00a0", "“", "’", PEM, '{"a": "b\\n"}', "${WL_D:-", "WL_D", "export A=b",
];

export function randomValues(seed, count) {
  const below = generator(seed);
  const values = {};
  for (let i = 0; i < count; i++) {
    let value = "";
    for (let n = 1 + below(below(10) === 0 ? 60 : 12); n > 0; n--) value += PIECES[below(PIECES.length)];
    values[`R${String(i).padStart(4, "0")}`] = value;
  }
  return values;
}

const inCompose = (value) => `"${value.replace(/[\\$]/g, (c) => `\${WL_D:-${c}}`).replaceAll('"', '\\"')}"`;
export const asEnvText = (values) => Object.entries(values).map(([key, value]) => `${key}=${inCompose(value)}\n`).join("");

export function readEnviron(bytes) {
  const found = new Map();
  for (let at = 0; at < bytes.length; ) {
    const stop = bytes.indexOf(0, at);
    const end = stop < 0 ? bytes.length : stop;
    const equals = bytes.indexOf(0x3d, at);
    found.set(bytes.subarray(at, equals).toString("latin1"), bytes.subarray(equals + 1, end));
    at = end + 1;
  }
  return found;
}

export function differences(want, environ) {
  const wrong = [];
  for (const [key, value] of Object.entries(want)) {
    const got = environ.get(key);
    if (!got) wrong.push(`${key} is missing`);
    else if (!got.equals(Buffer.from(value))) wrong.push(`${key}: ${JSON.stringify(value.slice(0, 200))} became ${JSON.stringify(got.toString().slice(0, 200))}`);
  }
  return wrong.join("\n");
}
