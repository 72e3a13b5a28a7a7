// pages_data.mjs - which pages there are, and what each is looked at with (tests/browser/pages.mjs).
//
// A page is one GET route of cgi/routes.c that answers HTML. For each of the four kinds of data it has data sets, or none("why not").
// Three makers of data sets:
//
//   ask(uri, more)             what the real dispatcher answers in a world of tests/browser/lib/answers.c: `world` (filled unless said), `who` (admin),
//                              `refuse` (what the worker refuses), `worker: false`, `also` (what is opened on it: look.mjs); `status` is checked (200).
//   form(uri, fields, status)  the same for a form that is sent; `status` is the refusal's.
//   fixtures(...names)         models of tests/web/fixtures through the real templates; without names: all of the page's template. As `hostile`
//                              they are made hostile first (hostile.mjs).
//
// A new page needs one entry here. Its fixtures exist already (web/templates_render demands them).
import { NAME, NOTE, SLUG, TYPED, VERSION } from "./hostile.mjs";

const ask = (uri, more = {}) => ({ uri, world: "filled", who: "admin", status: 200, ...more });
const form = (uri, fields, status, more = {}) => ask(uri, { method: "POST", fields, status, ...more });
const fixtures = (...names) => ({ fixtures: names });
const none = (reason) => ({ none: reason });

// What people do in the world "hostile" before anybody looks: all of it is accepted.
const SETTINGS = Object.entries({ deploy_dir: "apps/x", port: 8000, start_command: "./x", health_path: "/health", keep: 5, health_status: 200, health_count: 3, health_soak_s: 3, health_deadline_s: 60, unit_scope: "system" })
  .map(([key, value]) => `settings.${key}=${value}`).join("&");
const COMPOSE = `settings.compose=${encodeURIComponent(`services:\n  "${"s".repeat(60)}":\n    image: registry.example:5000/team/app:\${TAG}\n    command: ["echo", "<b>${"w".repeat(300)}"]\n`)}&settings.deploy_dir=apps/y&settings.project=y&settings.version_variable=TAG&settings.pull=always&settings.soak_s=10&settings.health_path=/health&settings.health_status=200&settings.health_count=3&settings.health_soak_s=3&settings.health_deadline_s=120&settings.keep=5`;
const SOURCE = Object.entries({ repository: `git@git.example:${"team/".repeat(40)}shop.git`, branch: "release/2", known_hosts: `git.example ssh-ed25519 ${"AAAA".repeat(60)}`, builder: "default", build_memory: 2048, build_memory_min: 0, pull: "always",
  build_args: `TEXT="${"<b>".repeat(30)}"`, migrate: `${"s".repeat(60)}: sh -c "echo <b>${"w".repeat(200)}"`, deploy_dir: "apps/z", project: "z", soak_s: 10, health_path: "/health", health_status: 200, health_count: 3, health_soak_s: 3, health_deadline_s: 120, keep: 5 })
  .map(([key, value]) => `settings.${key}=${encodeURIComponent(value)}`).join("&");
export const WORLDS = {
  hostile: [
    form("/profile", `name=${NAME}&theme=system`, 303),
    form("/apps/new", `slug=${SLUG}&name=${NAME}&note=${NOTE}`, 303),
    form(`/apps/${SLUG}/new`, `slug=${SLUG}&tier=production&recipe=release&server.web-1=1&${SETTINGS}`, 303),
    form("/apps/hello/new", `slug=stack&tier=other&recipe=compose&server.web-1=1&${COMPOSE}`, 303),
    form("/apps/hello/new", `slug=source&tier=other&recipe=git&server.web-1=1&${SOURCE}`, 303),
    form(`/apps/${SLUG}/artefacts/fetch`, `url=https://builds.example/${"long-folder/".repeat(60)}x.tar.gz&sha256=${"9b1e".repeat(16)}&version=${encodeURIComponent(VERSION)}`, 303),
  ],
};
const HOSTILE = `/apps/${SLUG}`;
const SECRETS = "/apps/hello/staging/secrets";
const inHostile = (...uris) => uris.map((uri) => ask(uri, { world: "hostile" }));

const NO_FORM = none("it has no form; whatever else may be wrong is answered by the error page, which is looked at below");
const ALWAYS = none("a form is the same whether or not there is anything yet: what it looks like untouched is `filled`");

export const PAGES = [
  {
    route: "/setup/{token}", template: "setup",
    empty: none("it exists only while there is nothing at all: its untouched form is `filled`"),
    filled: [ask("/setup/abcdef", { world: "new", who: "nobody" })],
    error: [
      form("/setup/abcdef", `name=${TYPED}&login=${TYPED}&password=short`, 422, { world: "new", who: "nobody" }),
      ask("/setup/abcdef", { status: 404, who: "nobody" }),
    ],
    hostile: [fixtures("setup-errors")],
  },
  {
    route: "/login", template: "login",
    empty: none("it shows nothing of what is stored"),
    filled: [ask("/login?next=/apps/hello", { who: "nobody" })],
    error: [form("/login", `login=${TYPED}&password=x`, 422, { who: "nobody", refuse: { verb: "login", code: "denied", field: "", user: "Login or password is wrong." } })],
    hostile: [fixtures("login-error")],
  },
  {
    route: "/", template: "home",
    empty: [ask("/", { world: "nothing" })],
    filled: [ask("/", { also: ["menu", "shortcuts"] })],
    error: NO_FORM,
    hostile: [...inHostile("/"), fixtures("home")],
  },
  {
    route: "/apps", template: "apps",
    empty: [ask("/apps", { world: "nothing" })],
    filled: [ask("/apps")],
    error: NO_FORM,
    hostile: [...inHostile("/apps"), fixtures("apps")],
  },
  {
    route: "/apps/new", template: "app_new",
    empty: ALWAYS,
    filled: [ask("/apps/new")],
    error: [form("/apps/new", `slug=${TYPED}&name=&note=${TYPED}`, 422)],
    hostile: [fixtures("app_new-errors")],
  },
  {
    route: "/apps/{app}", template: "app",
    empty: [ask("/apps/void", { world: "bare" })],
    filled: [ask("/apps/hello")],
    error: [
      form("/apps/hello/artefacts", "", 422),
      form("/apps/hello/artefacts/fetch", `url=${TYPED}&sha256=${TYPED}&version=${TYPED}`, 422),
      form("/apps/hello/artefacts/adopt", `file=${TYPED}&version=${TYPED}`, 422),
    ],
    hostile: [...inHostile(HOSTILE), fixtures("app")],
  },
  {
    route: "/apps/{app}/new", template: "env_new",
    empty: [ask("/apps/void/new", { world: "bare" })],
    filled: [ask("/apps/hello/new"), ask("/apps/hello/new?recipe=compose"), ask("/apps/hello/new?recipe=git")],
    error: [form("/apps/hello/new", `recipe=release&slug=${TYPED}&settings.port=${TYPED}&settings.deploy_dir=${TYPED}`, 422)],
    hostile: [fixtures("env_new-errors")],
  },
  {
    route: "/apps/{app}/{env}", template: "env",
    empty: [ask("/apps/hello/bare", { world: "bare" })],
    filled: [ask("/apps/hello/staging"), fixtures("env")],
    error: NO_FORM,
    hostile: [...inHostile(`${HOSTILE}/${SLUG}`, "/apps/hello/staging"), fixtures("env", "env-never", "env-viewer")],
  },
  {
    route: "/apps/{app}/{env}/settings", template: "env_settings",
    empty: [ask("/apps/hello/bare/settings", { world: "bare" })],
    filled: [ask("/apps/hello/staging/settings")],
    error: [form("/apps/hello/staging/settings", `tier=x&settings.port=${TYPED}&settings.deploy_dir=${TYPED}`, 422)],
    hostile: [...inHostile(`${HOSTILE}/${SLUG}/settings`, "/apps/hello/stack/settings", "/apps/hello/source/settings"), fixtures("env_settings-errors")],
  },
  {
    route: "/apps/{app}/secrets", template: "secrets_compare",
    empty: [ask("/apps/hello/secrets", { world: "bare" })],
    filled: [ask("/apps/hello/secrets"), fixtures("secrets_compare")],
    error: NO_FORM,
    hostile: [...inHostile("/apps/hello/secrets"), fixtures("secrets_compare")],
  },
  {
    route: "/apps/{app}/{env}/secrets", template: "secrets",
    empty: [ask("/apps/hello/bare/secrets", { world: "bare" })],
    filled: [ask(SECRETS), ask(`${SECRETS}?draft={draft}`), fixtures("secrets")],
    error: [form(SECRETS, `base_set=2&key.0=${TYPED}&kind.0=plain&value.0=${TYPED}&key.1=GOOD_ONE&kind.1=secret&value.1=x`, 422)],
    hostile: [...inHostile(SECRETS, `${HOSTILE}/${SLUG}/secrets`), fixtures("secrets-errors")],
  },
  {
    route: "/apps/{app}/{env}/secrets/raw", template: "secrets_raw",
    empty: [ask("/apps/hello/bare/secrets/raw", { world: "bare" })],
    filled: [ask(`${SECRETS}/raw`), form(`${SECRETS}/raw/reveal`, "x=1", 200)],
    error: [form(`${SECRETS}/raw`, `base_set=2&text=${TYPED}%0AB=%22&placeholder=x`, 422)],
    hostile: [...inHostile(`${SECRETS}/raw`), fixtures("secrets_raw-errors")],
  },
  {
    route: "/apps/{app}/{env}/secrets/add", template: "secrets_key",
    empty: ALWAYS,
    filled: [ask(`${SECRETS}/add`), ask(`${SECRETS}/add?form=file`), ask(`${SECRETS}/add?key=API_TOKEN`)],
    error: [form(`${SECRETS}/add`, `key=${TYPED}&kind=secret&value=${TYPED}&comment=${TYPED}`, 422), form(`${SECRETS}/add?form=file`, `key=A&kind=secret&value=x&path=${TYPED}&mode=0600`, 422)],
    hostile: [fixtures("secrets_key-errors", "secrets_key-new")],
  },
  {
    route: "/apps/{app}/{env}/secrets/key/{key}", template: "secrets_key",
    empty: none("a key is never without anything: it is there with its history, or not found"),
    filled: [ask(`${SECRETS}/key/DATABASE_URL`), ask(`${SECRETS}/key/JWT_KEY`), ask(`${SECRETS}/key/GREETING`), fixtures()],
    error: [form(`${SECRETS}/key/DATABASE_URL`, `kind=plain&value=&comment=${TYPED}`, 422), form(`${SECRETS}/key/JWT_KEY`, `kind=secret&path=${TYPED}&mode=0777`, 422)],
    hostile: [...inHostile(`${SECRETS}/key/MARKUP`, `${SECRETS}/key/FILE`), fixtures("secrets_key", "secrets_key-file", "secrets_key-plain")],
  },
  {
    route: "/apps/{app}/{env}/secrets/review/{draft}", template: "secrets_review",
    empty: [fixtures("secrets_review-nothing")],
    filled: [ask(`${SECRETS}/review/{draft}`)],
    error: [
      ask(`${SECRETS}/review/{stale_draft}`, { status: 409 }),
      form(`${SECRETS}/review/{draft}`, `action=save&message=${TYPED}`, 422, { refuse: { verb: "secrets.save", code: "input", field: "GREETING", user: "GREETING: the worker does not like it." } }),
    ],
    hostile: [fixtures()],
  },
  {
    route: "/apps/{app}/{env}/secrets/history", template: "secrets_history",
    empty: [ask("/apps/hello/bare/secrets/history", { world: "bare" })],
    filled: [ask(`${SECRETS}/history`), ask(`${SECRETS}/history?from=0&to=2`)],
    error: NO_FORM,
    hostile: [...inHostile(`${SECRETS}/history?from=0&to=2`), fixtures("secrets_history")],
  },
  {
    route: "/apps/{app}/{env}/secrets/required", template: "secrets_required",
    empty: [ask("/apps/hello/bare/secrets/required", { world: "bare" })],
    filled: [ask(`${SECRETS}/required`), ask("/apps/hello/stack/secrets/required", { world: "hostile" }), fixtures("secrets_required")],
    error: [form(`${SECRETS}/required`, `key=${TYPED}&description=${TYPED}`, 422), form(`${SECRETS}/required`, `action=import&text=${TYPED}`, 422)],
    hostile: [fixtures("secrets_required", "secrets_required-errors")],
  },
  {
    route: "(a secret that is shown)", template: "secrets_value",
    empty: none("it exists only with a value"),
    filled: [form(`${SECRETS}/key/DATABASE_URL/reveal`, "number=2&purpose=show", 200), fixtures("secrets_value-bytes")],
    error: none("what is refused is the error page, or the one that asks for the password"),
    hostile: [fixtures("secrets_value")],
  },
  {
    route: "(the password once more)", template: "prove",
    empty: none("it shows nothing of what is stored"),
    filled: [form(`${SECRETS}/key/DATABASE_URL/reveal`, "number=2&purpose=show", 403, { refuse: { verb: "secrets.reveal", code: "prove", field: "", user: "Enter your password again." } })],
    error: [form(`${SECRETS}/raw/reveal`, "password=wrong", 403, { refuse: { verb: "session.prove", code: "input", field: "password", user: "This is not your password." } })],
    hostile: [fixtures()],
  },
  {
    route: "/apps/{app}/{env}/deploy", template: "deploy",
    empty: [ask("/apps/hello/bare/deploy", { world: "bare" })],
    filled: [ask("/apps/hello/staging/deploy?version=1.0.0"), fixtures("deploy-paused", "deploy-locked", "deploy-seen", "deploy-asking")],
    error: [form("/apps/hello/staging/deploy", `why=${TYPED}`, 409), form("/apps/hello/staging/deploy", `version=9.9.9&plan_hash=x&why=${TYPED}`, 422), form("/apps/hello/bare/deploy", "version=1.0.0&plan_hash=x&why=", 422)],
    hostile: [...inHostile(`${HOSTILE}/${SLUG}/deploy`, "/apps/hello/stack/deploy", "/apps/hello/source/deploy?version=feature/a_b-c"), fixtures("deploy-blocked", "deploy-conflict", "deploy-seen")],
  },
  {
    route: "/apps/{app}/{env}/operate", template: "operate",
    empty: [ask("/apps/hello/bare/operate", { world: "bare" })],
    filled: [ask("/apps/hello/staging/operate"), fixtures("operate-stopped")],
    error: [form("/apps/hello/staging/lock", "lock_why=", 422)],
    hostile: [...inHostile(`${HOSTILE}/${SLUG}/operate`), fixtures("operate-errors", "operate-stopped")],
  },
  {
    route: "/apps/{app}/{env}/operate/{what}", template: "operation",
    empty: [ask("/apps/hello/bare/operate/restart", { world: "bare" })],
    filled: [ask("/apps/hello/staging/operate/stop"), ask("/apps/hello/staging/operate/redeploy"), fixtures("operation-redeploy")],
    error: [ask("/apps/hello/staging/operate/promote?from=bare"), form("/apps/hello/staging/operate/stop", `why=${TYPED}&plan_hash=x`, 409), form("/apps/hello/staging/operate/start", "plan_hash=x&why=", 422)],
    hostile: [fixtures()],
  },
  {
    route: "/apps/{app}/{env}/freeze", template: "freeze",
    empty: [ask("/apps/hello/bare/freeze", { world: "bare" })],
    filled: [fixtures("freeze"), fixtures("freeze-viewer")],
    error: [form("/apps/hello/staging/freeze", `zone=${TYPED}&windows=x`, 422)],
    hostile: [fixtures()],
  },
  {
    route: "/apps/{app}/{env}/command", template: "command",
    empty: [ask("/apps/hello/bare/command", { world: "bare" })],
    filled: [ask("/apps/hello/staging/command"), form("/apps/hello/staging/command", "command=id&server=web-1", 200), fixtures("command", "command-review")],
    error: [form("/apps/hello/staging/command", `command=&server=web-1&limit_s=${TYPED}`, 422), form("/apps/hello/staging/command", "step=run&command=id&server=web-1&plan_hash=x", 409)],
    hostile: [fixtures("command", "command-review")],
  },
  {
    route: "/apps/{app}/{env}/logs", template: "logs",
    empty: [ask("/apps/hello/bare/logs", { world: "bare" })],
    filled: [ask("/apps/hello/staging/logs"), fixtures("logs")],
    error: [form("/apps/hello/staging/logs", `server=&filter=${TYPED}`, 422)],
    hostile: [fixtures()],
  },
  {
    route: "/apps/{app}/{env}/releases", template: "releases",
    empty: [ask("/apps/hello/bare/releases", { world: "bare" })],
    filled: [fixtures("releases")],
    error: NO_FORM,
    hostile: [fixtures("releases")],
  },
  {
    route: "/apps/{app}/{env}/releases/{number}", template: "release",
    empty: none("a release is never without anything"),
    filled: [fixtures("release", "release-viewer")],
    error: NO_FORM,
    hostile: [fixtures("release-compose")],
  },
  {
    route: "/apps/{app}/{env}/releases/compare", template: "releases_compare",
    empty: [fixtures("releases_compare-same")],
    filled: [fixtures("releases_compare")],
    error: NO_FORM,
    hostile: [fixtures("releases_compare")],
  },
  {
    route: "/apps/{app}/{env}/releases/{number}/rollback", template: "rollback",
    empty: none("it exists only for a release"),
    filled: [fixtures("rollback")],
    error: [form("/apps/hello/staging/releases/1/rollback", `why=${TYPED}`, 422), fixtures("rollback-refused")],
    hostile: [fixtures("rollback")],
  },
  {
    route: "/jobs", template: "jobs",
    empty: [ask("/jobs", { world: "nothing" }), ask("/jobs?status=reverted")],
    filled: [ask("/jobs")],
    error: NO_FORM,
    hostile: [...inHostile("/jobs"), fixtures("jobs")],
  },
  {
    route: "/jobs/{id}", template: "job",
    empty: [ask("/jobs/{queued_job}")],
    filled: [ask("/jobs/{running_job}"), ask("/jobs/{failed_job}"), ask("/jobs/{check_job}"), fixtures("job-many")],
    error: NO_FORM,
    hostile: [...inHostile("/jobs/{live_job}"), fixtures("job-cancelling", "job-reverted", "job-unknown")],
  },
  {
    route: "/servers", template: "servers",
    empty: [ask("/servers", { world: "nothing" })],
    filled: [ask("/servers")],
    error: NO_FORM,
    hostile: [fixtures("servers")],
  },
  {
    route: "/servers/new", template: "server_new",
    empty: ALWAYS,
    filled: [ask("/servers/new")],
    error: [form("/servers/new", `address=${TYPED}&slug=${TYPED}`, 422)],
    hostile: [fixtures("server_new-errors")],
  },
  {
    route: "/servers/{slug}", template: "server",
    empty: [ask("/servers/web-2")],
    filled: [ask("/servers/web-1"), ask("/servers/web-2?ask=1"), fixtures("server")],
    error: [
      ask("/servers/web-2?ask=1", { refuse: { verb: "server.host_key", code: "remote", field: "", user: "Port 22 did not answer within 10 s." } }),
      form("/servers/web-2/pin", "type=ssh-ed25519&print=x", 409, { refuse: { verb: "server.pin", code: "conflict", field: "", user: "The server shows another host key now." } }),
      form("/servers/web-2/check", "x=1", 409),
    ],
    hostile: [fixtures("server-changed", "server-checking", "server-failing")],
  },
  {
    route: "/registries", template: "registries",
    empty: [ask("/registries", { world: "nothing" })],
    filled: [ask("/registries")],
    error: NO_FORM,
    hostile: [fixtures("registries")],
  },
  {
    route: "/registries/new", template: "registry_new",
    empty: ALWAYS,
    filled: [ask("/registries/new")],
    error: [form("/registries/new", `host=${TYPED}&slug=${TYPED}&login=${TYPED}&password=`, 422)],
    hostile: [fixtures("registry_new-errors")],
  },
  {
    route: "/registries/{slug}", template: "registry",
    empty: none("a registry has no state without anything: what uses it may be missing, which is `filled`"),
    filled: [ask("/registries/team"), fixtures("registry-viewer")],
    error: [form("/registries/team", `login=${TYPED}&password=`, 422), form("/registries/team/remove", "", 422)],
    hostile: [fixtures("registry-errors", "registry")],
  },
  {
    route: "/audit", template: "audit",
    empty: [ask("/audit?verb=nothing.*")],
    filled: [ask("/audit")],
    error: NO_FORM,
    hostile: [...inHostile("/audit"), fixtures("audit")],
  },
  {
    route: "/audit/{seq}", template: "audit_event",
    empty: none("an event is never without anything"),
    filled: [ask("/audit/5")],
    error: NO_FORM,
    hostile: [fixtures("audit_event")],
  },
  {
    route: "/profile", template: "profile",
    empty: [ask("/profile", { world: "nothing" })],
    filled: [fixtures("profile", "profile-token")],
    error: [
      form("/profile", "name=&theme=x", 422),
      form("/profile/password", "current=&password=short&password_again=x", 422),
      form("/profile/tokens", "name=&days=0&password=", 422),
    ],
    hostile: [...inHostile("/profile"), fixtures("profile-errors", "profile-token")],
  },
  {
    route: "(any other)", template: "error",
    empty: none("an error is never without anything"),
    filled: [ask("/apps/nobody", { status: 404 })],
    error: [
      ask("/servers/new", { who: "viewer", status: 403 }),
      form("/apps/new", `name=${"x".repeat(4500000)}`, 413),
      form("/login", "login=ann&password=x", 503, { who: "nobody", worker: false }),
    ],
    hostile: [ask(`/${NAME}`, { status: 404 }), fixtures("error")],
  },
];

// GET routes that answer no HTML: asked, too, and their type is checked.
export const NOT_HTML = [ask("/healthz", { route: "/healthz" }), ask("/jobs/{live_job}/log", { route: "/jobs/{id}/log" }), ask("/jobs/{live_job}/raw", { route: "/jobs/{id}/raw" }),
  ask("/api/v1/apps/hello/staging/secrets", { route: "/api/v1/apps/{app}/{env}/secrets" }), ask("/api/v1/apps/hello/staging/secrets.env", { route: "/api/v1/apps/{app}/{env}/secrets.env", status: 401 })];

// POST routes whose refusals are no page of their own.
export const NO_PAGE = {
  "/logout": "it always leads to the login page",
  "/profile/sessions": "a session that is not there is the error page; every other answer leads back to the profile",
  "/apps/{app}/{env}/secrets/restore": "it leads to the review; a set that is not there is the error page",
  "/api/v1/apps/{app}/{env}/secrets": "the API answers no HTML: web/pages_secrets_api",
  "/profile/tokens/{id}/remove": "a token that is not there is the error page; every other answer leads back to the profile",
  "/apps/{app}/{env}/plan": "it leads back to the page that asked; what it cannot take is the error page",
  "/apps/{app}/{env}/unlock": "it always leads back to the environment, with a sentence on top; who may not is the error page",
  "/apps/{app}/{env}/resume": "it always leads back to the environment, with a sentence on top",
  "/servers/check": "it always leads to the job",
  "/jobs/{id}/cancel": "it always leads back to the job, with a sentence on top (the flash of the fixtures)",
};
