// hostile.mjs - the same page with the worst that people, targets and registries may put into it. Made from a fixture of
// tests/web/fixtures by rule, so a new page gets its hostile twin for nothing:
//
//   - Every string becomes hostile, unless it is one that no outsider chooses (OURS, and what isOurs says): ids, addresses of pages, states,
//     times, the product's own words.
//   - Where a rule of lib/domain/validate.h holds, the string stays inside it, at its full length (NAMES): a slug has 40 characters of its
//     alphabet, never a bracket.
//   - Everything else gets markup, quotes, a bidi override that is never ended, a word of 80 characters, emoji, combining marks, in turn, as long
//     as the field allows (LENGTHS).
const WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"; // 80 characters, no place to break
const FLAVOURS = [
  `</title></textarea></script><script>alert(1)</script>"><img src=x onerror=alert(1)> '"\`&amp;{{x}}`,
  WORD,
  "\u202etxt.exe\u2066 \u05d0\u05d1\u05d2 \u0645\u0631\u062d\u0628\u0627 \u200f",
  "👩🏽‍🚀🏳️‍🌈🇩🇪 Z̷̡̛͚͓̗ą̵̛̞l̶̢̻͐g̸̖̍o̴̩͌ 漢字かな交じり文 ﷽",
];

// Chosen by the product itself.
const OURS = new Set(`id anchor class state tier kind type iso full time ms static csrf theme origin path url request_id refresh plan_hash idem next base_set
  initials role print pin_print pin_type hash prev_hash sha256 sha256_short kind_text origin_text role_text deadline_text expected_text mode_text size_text
  skipped_text estimate_text estimate_from newer_text undeployed_text upload_max_text help action verb trigger now origin recipe artefact_dir title_text
  default theirs_text mine_text changed_in secret_set_label next_label column min max ip`.split(/\s+/));

// Have an alphabet of their own: how long, made of what. What differs stays different.
const NAMES = {
  slug: [40, "a-very-long-short-name-of-something-and-on"], login: [64, "somebody.with.a.very.long-login_name@an-even-longer-domain.example"],
  version: [64, "2026.11.21-rc.1+build.20261121T020500Z.sha.9b1e6c0f3a5d47c28e71b0a4"], host: [253, "a-very-long-label-of-a-host-name-in-a-deep-subdomain."],
  key: [128, "A_VERY_LONG_NAME_OF_AN_ENVIRONMENT_VARIABLE_THAT_SOMEBODY_REALLY_USES_"], git_commit: [40, "9b1e6c0f3a5d47c28e71b0a4d65f92c3187e4ab0"],
};
NAMES.app_slug = NAMES.slug;
const LENGTHS = { name: 80, title: 120, note: 400, why: 500, message: 200, text: 300, public_url: 300 };

// Cut between characters: half of one is no text.
const upTo = (max, part) => [...part.repeat(Math.ceil(max / [...part].length))].slice(0, max).join("").trim();

// Lists of {value, text, is_selected} are our words, and so are times, durations and states.
function isOurs(key, value, inside) {
  if (OURS.has(key) || /(^|_)href$/.test(key)) return true;
  if (key === "text" && "verb" in inside && "key" in inside) return true; // of a change of secrets: "Added"
  if (key === "text" && ("iso" in inside || "ms" in inside || "state" in inside)) return true;
  if ((key === "value" || key === "text") && "is_selected" in inside && inside.value !== undefined) return key === "value";
  if (inside.help !== undefined && (key === "name" || key === "key")) return true; // of a form's field, from the recipe
  return /^(|[vs]\d+|#\d+)$/.test(value); // nothing stays nothing; numbered things
}

// A maker of hostile strings; each takes the next flavour, and the same value of a name becomes the same again.
function maker() {
  const numbers = new Map();
  let turn = 0;
  const name = (kind, value) => {
    if (!numbers.has(value)) numbers.set(value, String(numbers.size + 1));
    const [max, part] = NAMES[kind];
    const number = numbers.get(value);
    return upTo(max - number.length, part) + number;
  };
  return (key, value) => {
    if (NAMES[key]) return name(key, value);
    if (key === "label" && / \/ /.test(value)) return value.split(" / ").map((slug) => name("slug", slug)).join(" / ");
    if (key === "crumb") return name("slug", value);
    if (key === "address") return `${name("login", value)}@${name("host", value)}:65535`;
    return upTo(LENGTHS[key] ?? 160, `${FLAVOURS[turn++ % FLAVOURS.length]} ${value} ${WORD} `);
  };
}

export function hostile(model) {
  const make = maker();
  const typed = new Set(["plan_hash", "idem", "next", "base_set"]);
  const walk = (value, key, inside) => {
    if (Array.isArray(value)) return value.map((item) => walk(item, key, {}));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, name, value)]));
    return typeof value === "string" && !isOurs(key, value, inside) ? make(key, value) : value;
  };
  const site = { ...model.site };
  for (const part of ["user", "flash"]) if (site[part]) site[part] = walk(site[part], part, site);
  const crumbs = model.page.crumbs.map((crumb) => ({ ...crumb, text: make("crumb", crumb.text) }));
  // The handlers make titles of slugs and versions and cut them (page_new). With the markup written out it has 59 characters, too.
  const page = { ...walk(model.page, "page", {}), crumbs, title: `</title><i>"'&${NAMES.slug[1].slice(0, 20)}` };
  // What was typed into a form that was refused obeys no rule but the length of the box.
  for (const [name, value] of Object.entries(model.page.values)) page.values[name] = typed.has(name) ? value : upTo(120, `${FLAVOURS[0]} ${value} ${FLAVOURS[2]}`);
  return { ...model, data: walk(model.data, "data", {}), page, site };
}

// The worst that a form accepts, and what every form refuses; for a form that is sent.
export const SLUG = NAMES.slug[1].slice(0, 40);
export const NAME = encodeURIComponent(upTo(80, `"><b>'&amp; \u202egpj.exe 👩🏽‍🚀 Z̷̡̛͚͓ ${WORD}`));
export const NOTE = encodeURIComponent(upTo(400, FLAVOURS.join("\n")));
export const VERSION = NAMES.version[1].slice(0, 64);
export const TYPED = encodeURIComponent(`${FLAVOURS[0]} ${FLAVOURS[2]} ${WORD}`);
