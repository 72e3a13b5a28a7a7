// app.js - makes pages that already work without it nicer: live job page, copy, find, relative times, shortcuts.
// One module, no build step. Nodes are built with textContent only, so it runs under Trusted Types with no policy.

const root = document.documentElement;
root.classList.add('js');
const $ = (sel, in_ = document) => in_.querySelector(sel);
const $$ = (sel, in_ = document) => [...in_.querySelectorAll(sel)];
const assets = document.body.dataset.static;

function el(tag, attrs = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) if (value != null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Storage may be switched off; then nothing is remembered.
function recall(key, store = localStorage) {
  try { return JSON.parse(store.getItem('windlass.' + key)); } catch { return null; }
}
function remember(key, value, store = localStorage) {
  try { store.setItem('windlass.' + key, JSON.stringify(value)); } catch { /* not remembered */ }
}
let unsaved = null; // the form that has typed text nobody stored yet
const session = (() => { try { return sessionStorage; } catch { return undefined; } })();

/* ---- times: the same words as the server uses ---- */

const SKEW = Number(document.body.dataset.now) - Date.now() || 0; // the server's clock counts
const MINUTE = 60e3, HOUR = 3600e3, DAY = 86400e3;
function ago(ms) {
  const gap = Date.now() + SKEW - ms, size = Math.abs(gap);
  if (size < MINUTE) return 'just now';
  if (size >= 7 * DAY) return null; // a date; it stays as it is
  const words = size < HOUR ? `${Math.floor(size / MINUTE)} min` : size < DAY ? `${Math.floor(size / HOUR)} h`
    : size < 2 * DAY ? '1 day' : `${Math.floor(size / DAY)} days`;
  return gap >= 0 ? words + ' ago' : 'in ' + words;
}
function took(ms) {
  const s = Math.floor(ms / 1000);
  if (ms < 10e3) return `${s}.${Math.floor(ms % 1000 / 100)} s`;
  if (s < 60) return s + ' s';
  return s < 3600 ? `${Math.floor(s / 60)}m ${s % 60}s` : `${Math.floor(s / 3600)}h ${Math.floor(s % 3600 / 60)}m`;
}
setInterval(() => {
  for (const node of $$('time[title]')) {
    const text = ago(Date.parse(node.dateTime));
    if (text && node.textContent !== text) node.textContent = text;
  }
}, 30e3);

// A page that looks again by itself must not take a person back who is on the way to another one.
let isLeaving = false;
addEventListener('beforeunload', () => { isLeaving = true; });
const lookAgain = () => { if (!isLeaving) location.reload(); };

// The address that makes a page look again without JavaScript is not for here: it would take the page from under someone's hands.
if (new URLSearchParams(location.search).get('watch') === '1') location.replace(location.pathname);

// A page that shows work under way is loaded again, but never from under someone's hands. (The job page has a stream.)
const refresh = Number(document.body.dataset.refresh);
if (refresh > 0 && !document.getElementById('job')) setInterval(() => {
  const isBusy = document.hidden || unsaved || String(getSelection()) || document.activeElement?.matches('input, textarea, select') || $('dialog[open], details.menu[open]');
  if (!isBusy) lookAgain();
}, refresh * 1000);

/* ---- small conveniences ---- */

document.addEventListener('click', async event => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const text = $('code', button.parentElement).textContent, label = $('span', button);
  try { await navigator.clipboard.writeText(text); label.textContent = 'Copied'; } catch {
    getSelection().selectAllChildren($('code', button.parentElement)); // no clipboard here: select it for Ctrl+C
    label.textContent = 'Selected';
  }
  label.setAttribute('role', 'status');
  setTimeout(() => { label.textContent = 'Copy'; }, 2000);
});

// An open menu closes when one clicks elsewhere.
document.addEventListener('click', event => {
  for (const menu of $$('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
});

const summary = $('[data-errors]:has(p)');
if (summary) { summary.tabIndex = -1; summary.focus(); }

/* ---- forms ---- */

for (const form of $$('form[data-guard]')) form.addEventListener('input', () => { unsaved = form; });
addEventListener('beforeunload', event => { if (unsaved) event.preventDefault(); });

document.addEventListener('submit', event => {
  const form = event.target;
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) { event.preventDefault(); return; }
  if (form.dataset.sent) { event.preventDefault(); return; } // a double click is one click
  unsaved = null;
  if (form.method !== 'post') return;
  form.dataset.sent = '1';
  (event.submitter ?? $('[type=submit]', form))?.setAttribute('aria-busy', 'true');
});
addEventListener('pageshow', event => { // back from the browser's memory: the form may be sent again
  if (!event.persisted) return;
  for (const form of $$('form[data-sent]')) { delete form.dataset.sent; $$('[aria-busy]', form).forEach(b => b.removeAttribute('aria-busy')); }
});
document.addEventListener('change', event => event.target.form?.matches('[data-autosubmit]') && event.target.form.requestSubmit());
// Choosing another version loads its plan; what was typed as reason comes along.
const why = $('#f-why');
if (why) {
  const kept = recall('why', session);
  if (kept?.path === location.pathname && !why.value && document.referrer.startsWith(location.origin + location.pathname)) why.value = kept.text;
  why.addEventListener('input', () => remember('why', { path: location.pathname, text: why.value }, session));
  why.form.addEventListener('submit', () => remember('why', null, session));
}
document.addEventListener('formdata', event => { // plain addresses: leave out what was not chosen
  if (event.target.method === 'get') for (const [name, value] of [...event.formData]) if (value === '') event.formData.delete(name);
});

for (const table of $$('table[data-filter]')) {
  const rows = $$('tbody tr', table);
  if (rows.length < 6) continue;
  const box = el('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter rows', class: 'row-filter', 'data-find': '' });
  box.addEventListener('input', () => {
    const words = box.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
  });
  table.parentElement.before(box);
}

/* ---- shortcuts ---- */

const GO = { h: '/', a: '/apps', j: '/jobs', s: '/servers', r: '/registries', u: '/audit' };
const KEYS = [['?', 'This list'], ['/', 'Find or filter'], ['g h', 'Home'], ['g a', 'Apps'], ['g j', 'Jobs'], ['g s', 'Servers'], ['g r', 'Registries'], ['g u', 'Audit'],
  ['j k', 'Next and previous row'], ['d', 'Deploy: opens the plan'], ['r', 'Reveal a secret on its page'], ['f', 'Follow the log'], ['t', 'Times in the log'], ['Esc', 'Close']];
let waitsForGo = false;

function showKeys() {
  let dialog = $('#keys');
  if (!dialog) {
    const list = el('dl', { class: 'facts' });
    for (const [keys, text] of KEYS) list.append(el('dt', {}, ...keys.split(' ').flatMap(key => [el('kbd', {}, key), ' '])), el('dd', {}, text));
    const close = el('button', { type: 'submit', class: 'btn' }, 'Close');
    dialog = el('dialog', { id: 'keys', 'aria-labelledby': 'keys-title' }, el('form', { method: 'dialog', class: 'stack' }, el('h2', { id: 'keys-title' }, 'Keyboard shortcuts'), list,
      el('p', { class: 'muted small' }, 'They can be switched off in your profile.'), close));
    document.body.append(dialog);
  }
  dialog.showModal();
}
function moveRow(by) {
  const links = $$('.row-link').filter(link => link.offsetParent);
  if (!links.length) return;
  const next = Math.max(0, Math.min(links.length - 1, links.indexOf(document.activeElement) + by));
  links[next].focus();
}
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') { $$('details.menu[open]').forEach(menu => { menu.open = false; $('summary', menu).focus(); }); return; }
  if (recall('keys') === false || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea, select, dialog, [contenteditable]')) return;
  const key = event.key, go = waitsForGo;
  waitsForGo = false;
  const actions = { '?': showKeys, '/': () => ($('#find') ?? $('[data-find]') ?? $('.filters input, .filters select'))?.focus(), g: () => { waitsForGo = true; },
    j: () => moveRow(1), k: () => moveRow(-1), d: () => $('[data-key=d]')?.click(), r: () => $('[data-key=r]')?.click(), f: () => follow?.toggle(), t: () => $('#t-stamps')?.click() };
  if (go && GO[key]) location.assign(GO[key]);
  else if (actions[key]) actions[key]();
  else return;
  event.preventDefault();
});
$$('[data-keys-help]').forEach(button => button.addEventListener('click', () => { button.closest('details').open = false; showKeys(); }));
const keysBox = $('#keys-on');
if (keysBox) { keysBox.checked = recall('keys') !== false; keysBox.addEventListener('change', () => remember('keys', keysBox.checked)); }

/* ---- what the servers say, on a page that asks to confirm ---- */

// They are asked when the page opens, and what they say is put in when it is there; the page can be used meanwhile. Only the parts that are about it are
// replaced: what was typed stays.
const getPage = () => new Promise((done, fail) => { // as a document: fetch could only give text, which Trusted Types lets nobody parse
  const request = new XMLHttpRequest();
  request.open('GET', location.href);
  request.responseType = 'document';
  request.onload = () => (request.status === 200 && request.response ? done(request.response) : fail(new Error('no page')));
  request.onerror = fail;
  request.send();
});
async function watchLook() {
  for (let look = $('#look'), wait = 700, asked = false; look?.dataset.look; look = $('#look')) {
    if (look.dataset.look === 'ask' && asked) return;
    if (look.dataset.look === 'ask') await fetch($('#ask-look').action, { method: 'POST', body: new URLSearchParams(new FormData($('#ask-look'))), redirect: 'manual' });
    asked = true;
    await new Promise(done => setTimeout(done, wait));
    wait = Math.min(wait * 1.3, 5000);
    if (document.hidden) continue;
    const page = await getPage();
    for (const part of $$('[data-part]')) {
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.outerHTML !== part.outerHTML) part.replaceWith(document.adoptNode(fresh));
    }
  }
}
watchLook().catch(() => { /* the button is there */ });

/* ---- the job page ---- */

const MARK = { queued: '○', running: '●', live: '✓', ok: '✓', degraded: '!', reverted: '↺', failed: '✗', cancelled: '–', unknown: '?' };
const FAVICON = { running: 'run', queued: 'run', live: 'ok', ok: 'ok', failed: 'bad', reverted: 'bad', unknown: 'bad', degraded: 'bad' };
const WORDS = { pending: 'Waiting', running: 'Running', ok: 'Done', failed: 'Failed', skipped: 'Skipped', cancelled: 'Cancelled', unknown: 'Unknown', live: 'Live', degraded: 'Degraded', reverted: 'Reverted' };
const LINES_MAX = 2000; // per step on the page; the raw log has all
const job = $('#job');
const loadedAt = performance.now();
let follow = null;

function showState(state) {
  document.title = `${MARK[state] ?? ''} ${document.title.replace(/^[○●✓!↺✗–?] /, '')}`;
  const name = FAVICON[state];
  $('link[rel=icon]').href = `${assets}/favicon${name ? '-' + name : ''}.svg`;
}
const setIcon = (svg, state) => $('use', svg).setAttribute('href', `${assets}/icons.svg#s-${state}`);
// A record of no host or step (both null) is in the raw log only.
const stepOf = (host, step) => host == null || step == null ? null : $(`.host[data-host="${Number(host)}"] .step[data-step="${Number(step)}"]`, job);
const clock = time => new Date(time).toISOString().slice(11, 23);

/* Follow: on while running; scrolling up pauses it, coming back to the end or the button resumes it. */
function makeFollow() {
  let on = job.dataset.ended !== 'true' && !location.hash, paused = false, missed = 0, last = null;
  const button = el('button', { type: 'button', class: 'btn primary follow', hidden: '' });
  const show = () => { button.hidden = on || job.dataset.ended === 'true'; button.textContent = missed ? `↓ Follow (${missed} new ${missed === 1 ? 'line' : 'lines'})` : '↓ Follow'; };
  const gap = () => last ? last.getBoundingClientRect().bottom - innerHeight + 72 : 0;
  const reach = () => { const by = gap(); if (by > 0) scrollBy({ top: by, behavior: 'instant' }); };
  const set = (value, byHand) => { on = value; paused = !value && byHand; if (on) { missed = 0; reach(); } show(); };
  addEventListener('wheel', event => { if (event.deltaY < 0 && on) set(false, false); }, { passive: true });
  addEventListener('touchmove', () => { if (on) set(false, false); }, { passive: true });
  addEventListener('keydown', event => { if (['PageUp', 'ArrowUp', 'Home'].includes(event.key) && on) set(false, false); });
  addEventListener('scroll', () => { if (!on && !paused && last && gap() <= 10 && gap() > -40) set(true); }, { passive: true });
  button.addEventListener('click', () => set(true));
  document.body.append(button);
  return { toggle: () => set(!on, true), get on() { return on; }, moved(node, lines) { last = node; if (on) reach(); else { missed += lines; show(); } } };
}

/* Lines. A `p` line has not ended: the next o or p of its step goes on with it. */
function writeLine({ host, step, kind, spans, time }) {
  const li = stepOf(host, step);
  if (!li) return null;
  const log = $('.log', li), parts = spans.map(([classes, text]) => el('span', { class: classes || null }, text));
  const isOutput = kind === 'o' || kind === 'p';
  if (li.unfinished === undefined) li.unfinished = li.dataset.partial === 'true' ? log.lastElementChild : null;
  if (isOutput && li.unfinished) {
    const row = li.unfinished;
    row.lastElementChild.append(...parts);
    if (kind === 'o') li.unfinished = null;
    return row;
  }
  const n = li.dataset.lines = Number(li.dataset.lines) + 1, id = `${li.id}-L${n}`;
  const link = el('a', { href: '#' + id, 'data-n': n, 'aria-label': 'Line ' + n, tabindex: -1 });
  const row = el('li', { id, class: 'k-' + (isOutput ? 'o' : kind), 'data-t': clock(time) }, link, el('span', {}, ...parts));
  log.append(row);
  if (isOutput) li.unfinished = kind === 'p' ? row : null;
  if (log.childElementCount > LINES_MAX) dropEarliest(li, log);
  return row;
}
function dropEarliest(li, log) {
  while (log.childElementCount > LINES_MAX) log.firstElementChild.remove();
  let note = $('.earlier', li);
  if (!note) { note = el('p', { class: 'earlier muted' }); log.before(note); }
  note.textContent = `${Number(li.dataset.lines) - LINES_MAX} earlier lines are in the raw log.`;
}

function writeStep({ host, step, state, ms, cause }) {
  const li = stepOf(host, step);
  if (!li) return;
  const name = state === 'intent' ? 'running' : state, details = $('details', li), dur = $('.dur', li);
  li.className = li.className.replace(/\bs-\w+/, 's-' + name);
  setIcon($('summary .icon', li), name);
  $('.step-state', li).textContent = WORDS[name] ?? name;
  if (name === 'running') li.begun = performance.now() - (ms || 0);
  else { li.begun = null; if (ms > 0) dur.textContent = took(ms); }
  if (cause && !$('.cause', li)) $('.step-body', li).prepend(el('p', { class: 'cause' }, cause));
  const isBad = name === 'failed' || name === 'unknown';
  if (name === 'running' || isBad) details.open = true;
  else if (name === 'ok' && !li.byHand) details.open = false;
  $('#announce').textContent = `${$('.step-title', li).textContent}: ${WORDS[name] ?? name}`;
  if (isBad && follow.on) li.scrollIntoView({ block: 'nearest' });
  showProgress();
}

/* Progress: an estimate only where past runs give one; else steps that are over. */
function showProgress() {
  const bar = $('#job-progress');
  if (!bar) return;
  const all = $$('.step:not(.undo)', job), over = all.filter(li => /\bs-(ok|skipped|failed|cancelled|unknown)\b/.test(li.className)).length;
  if (all.length) { $('#job-steps').textContent = `${over} of ${all.length} steps`; bar.max = all.length; }
  const expected = Number(bar.dataset.expected), left = $('#job-left');
  if (!(expected > 0)) { bar.value = over; return; }
  const elapsed = jobElapsed();
  bar.value = bar.max * Math.min(.98, elapsed / expected);
  if (left) left.textContent = elapsed > expected ? 'longer than usual' : `about ${took(Math.max(1000, Math.round((expected - elapsed) / 1000) * 1000)).replace('.0', '')} left`;
}
const jobElapsed = () => Number($('#job-took').dataset.ms) + performance.now() - loadedAt;
function tick() {
  const total = $('#job-took');
  if (total.dataset.ms) total.textContent = took(jobElapsed());
  for (const li of $$('.step', job)) if (li.begun != null) $('.dur', li).textContent = took(performance.now() - li.begun);
  showProgress();
}

/* The end: the server's page has the verdict, causes and fixes; load it, keeping scroll and folds. */
function finish() {
  if (job.dataset.ended === 'true') return;
  if (String(getSelection())) { setTimeout(finish, 1000); return; } // someone is copying
  job.dataset.ended = 'true';
  const open = $$('.step', job).filter(li => li.byHand && $('details', li).open).map(li => li.id);
  remember('back', { path: location.pathname, y: follow.on ? 0 : scrollY, open, find: $('#find')?.value }, session);
  lookAgain();
}
function comeBack() {
  const back = recall('back', session);
  if (!back || back.path !== location.pathname) return;
  try { session.removeItem('windlass.back'); } catch { /* gone with the tab */ }
  for (const id of back.open) { const li = document.getElementById(id); if (li) { $('details', li).open = true; li.byHand = true; } }
  if (back.find) { $('#find').value = back.find; $('#find').dispatchEvent(new Event('input')); }
  history.scrollRestoration = 'manual';
  if (!location.hash) scrollTo({ top: back.y, behavior: 'instant' });
}

function makeStream() {
  let offset = Number(job.dataset.offset), failures = 0, source = null, waiting = [], isEnding = false;
  const flush = () => {
    const batch = waiting;
    waiting = [];
    let node = null, lines = 0;
    for (const [kind, data] of batch) {
      if (kind === 'line') { node = writeLine(data) ?? node; lines++; }
      else if (kind === 'step') writeStep(data);
      else if (kind === 'verdict') showState(data.verdict);
    }
    if (node) follow.moved(node, lines);
    if (isEnding) finish();
  };
  const take = (kind, data) => { if (!waiting.length) setTimeout(flush, 40); waiting.push([kind, data]); };
  const end = () => { source?.close(); isEnding = true; if (!waiting.length) finish(); };
  async function poll() {
    let wait = 2000;
    try {
      const answer = await fetch(`${job.dataset.poll}?from=${offset}`, { headers: { Accept: 'application/json' } });
      if (!answer.ok) throw new Error(answer.status);
      const body = await answer.json();
      for (const event of body.events) take(event.event, event);
      offset = body.next;
      if (body.ended) { end(); return; }
    } catch { wait = 5000; }
    setTimeout(poll, wait);
  }
  function listen() {
    source = new EventSource(`${job.dataset.events}?from=${offset}`);
    for (const kind of ['line', 'step', 'verdict']) source.addEventListener(kind, event => {
      failures = 0;
      if (event.lastEventId) offset = Number(event.lastEventId);
      take(kind, JSON.parse(event.data));
    });
    source.addEventListener('done', end);
    source.onerror = () => { // the browser comes back by itself with Last-Event-ID; when it cannot, ask instead
      if (source.readyState !== EventSource.CLOSED && ++failures < 4) return;
      source.close();
      poll();
    };
  }
  listen();
}

/* Find over all lines, folded ones too. Marks are CSS highlights: the lines themselves are not touched. */
function makeFind() {
  const box = $('#find'), found = $('#found');
  let hits = [], at = -1;
  const rangeOf = (line, from, to) => {
    const range = document.createRange(), walk = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    for (let pos = 0, node; (node = walk.nextNode()); pos += node.length) {
      if (from >= pos && from <= pos + node.length) range.setStart(node, from - pos);
      if (to <= pos + node.length) { range.setEnd(node, to - pos); break; }
    }
    return range;
  };
  const paint = () => {
    found.textContent = box.value ? (hits.length ? `${at + 1}/${hits.length}` : 'none') : '';
    if (!globalThis.Highlight) return;
    CSS.highlights.set('find', new Highlight(...hits));
    CSS.highlights.set('find-now', new Highlight(...(hits[at] ? [hits[at]] : [])));
  };
  const go = by => {
    if (!hits.length) return;
    at = (at + by + hits.length) % hits.length;
    const line = hits[at].startContainer.parentElement;
    line.closest('details').open = true;
    line.scrollIntoView({ block: 'center' });
    paint();
  };
  box.addEventListener('input', () => {
    const word = box.value.toLowerCase();
    hits = [];
    at = 0;
    if (word) for (const line of $$('.log li > span', job)) {
      const text = line.textContent.toLowerCase();
      for (let i = text.indexOf(word); i >= 0 && hits.length < 5000; i = text.indexOf(word, i + word.length)) hits.push(rangeOf(line, i, i + word.length));
    }
    paint();
  });
  box.addEventListener('keydown', event => {
    if (event.key === 'Enter') { event.preventDefault(); if (follow.on) follow.toggle(); go(event.shiftKey ? -1 : at === 0 && !box.dataset.went ? 0 : 1); box.dataset.went = '1'; }
    if (event.key === 'Escape') { box.value = ''; box.dispatchEvent(new Event('input')); box.blur(); }
  });
  box.addEventListener('input', () => { delete box.dataset.went; });
}

/* Addresses of lines: #s3-L12, #s3-L12-L20; of steps: #s3. */
function showPicked() {
  $$('.picked', job).forEach(line => line.classList.remove('picked'));
  const [, step, from, to] = /^#((?:h\d+-)?s\d+)(?:-L(\d+)(?:-L(\d+))?)?$/.exec(location.hash) ?? [];
  const li = step && document.getElementById(step);
  if (!li) return;
  $('details', li).open = true;
  li.byHand = true;
  for (let n = Number(from); n <= Math.min(Number(to ?? from), Number(from) + LINES_MAX); n++) document.getElementById(`${step}-L${n}`)?.classList.add('picked');
  (from ? document.getElementById(`${step}-L${from}`) : li)?.scrollIntoView({ block: from ? 'center' : 'start' });
}

function makeToolbar() {
  const stamps = $('#t-stamps'), wrap = $('#t-wrap'), prefs = { times: 0, wrap: true, ...recall('log') };
  const apply = () => {
    job.classList.toggle('stamps', prefs.times > 0);
    job.classList.toggle('nowrap', !prefs.wrap);
    stamps.setAttribute('aria-pressed', prefs.times > 0);
    wrap.setAttribute('aria-pressed', prefs.wrap);
    remember('log', prefs);
  };
  stamps.addEventListener('click', () => { prefs.times = prefs.times ? 0 : 1; apply(); });
  wrap.addEventListener('click', () => { prefs.wrap = !prefs.wrap; apply(); });
  apply();
}

if (job) {
  showState(job.dataset.state);
  follow = makeFollow();
  job.addEventListener('click', event => {
    const head = event.target.closest('.step > details > summary');
    if (head) head.closest('.step').byHand = true; // what a person opened or closed stays so
    const link = event.target.closest('.log a[data-n]');
    const first = /^#(.+)-L(\d+)/.exec(location.hash);
    if (!link || !event.shiftKey || !first || link.closest('.step').id !== first[1]) return;
    event.preventDefault();
    const [from, to] = [Number(first[2]), Number(link.dataset.n)].sort((a, b) => a - b);
    history.replaceState(null, '', `#${first[1]}-L${from}-L${to}`);
    showPicked();
  });
  if ($('#find')) { makeFind(); makeToolbar(); }
  addEventListener('hashchange', showPicked);
  comeBack();
  showPicked();
  if (job.dataset.ended !== 'true') {
    for (const li of $$('.step.s-running', job)) li.begun = loadedAt - Number($('.dur', li).dataset.ms || 0);
    if (job.dataset.state === 'running') { setInterval(tick, 500); tick(); }
    if ($('.host', job)) makeStream();
    else { // no steps to fill yet: the worker takes a job within moments, unless it has to wait for another one
      const isAgain = performance.getEntriesByType('navigation')[0]?.type === 'reload';
      setTimeout(lookAgain, job.dataset.state === 'running' || !isAgain ? 300 : 1500);
    }
  }
}
