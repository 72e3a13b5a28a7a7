// secrets.js - the secrets pages, nicer: dropping and pasting a .env text, a value shown in its place and gone after 30 seconds, copying without
// showing. Everything here also works without it, a page at a time. Values are put into nodes as text only, and kept nowhere else.

const $ = (sel, in_ = document) => in_.querySelector(sel);
const $$ = (sel, in_ = document) => [...in_.querySelectorAll(sel)];
function el(tag, attrs = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) if (value != null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
const SHOWN_MS = 30e3, FILE_MAX = 1 << 20;

/* ---- a whole .env text, pasted into a key or dropped on the page ---- */

const looksLikeEnv = text => /\n/.test(text.trim()) && /^\s*(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=/m.test(text);

function askToMerge(text) {
  const page = $('form[data-env]'), href = page.dataset.env;
  const box = el('textarea', { class: 'mono code', name: 'text', rows: '12', spellcheck: 'false', 'aria-label': 'Text of the .env file' });
  box.value = text;
  const choice = (value, words, on) => el('label', { class: 'check' }, el('input', { type: 'radio', name: 'mode', value, checked: on ? '' : null }), el('span', {}, words));
  const close = el('button', { type: 'button', class: 'btn quiet' }, 'Cancel');
  const form = el('form', { method: 'post', action: href, class: 'stack' },
    el('h2', { id: 'merge-title' }, 'A .env text'), box,
    choice('merge', 'Add these keys, and change those that are there', true), choice('replace', 'Replace all variables by these'),
    ...['csrf', 'base_set'].map(name => el('input', { type: 'hidden', name, value: page.elements[name].value })),
    el('input', { type: 'hidden', name: 'placeholder', value: '' }),
    el('div', { class: 'form-end' }, el('button', { type: 'submit', class: 'btn primary' }, 'Review changes'), close));
  const dialog = el('dialog', { class: 'wide', 'aria-labelledby': 'merge-title' }, form);
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener('paste', event => {
  const input = event.target.closest('input[name^="key."]'), text = event.clipboardData?.getData('text') ?? '';
  if (!input || !looksLikeEnv(text)) return;
  event.preventDefault();
  askToMerge(text);
});

function toBase64(bytes) {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

async function takeFile(file, box) {
  if (file.size > FILE_MAX) { alert('This file is larger than 1 MB.'); return; }
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = null;
  try { text = new TextDecoder('utf-8', { fatal: true }).decode(bytes); } catch { /* bytes that are no text */ }
  if (!box) {
    if (text === null) alert('This is not a text file. To store it, use Add a file.');
    else askToMerge(text);
    return;
  }
  const isBase64 = box.form.elements.is_base64;
  if (text === null && !isBase64) { alert('This is not a text file. Store it as a secret file instead.'); return; }
  if (isBase64) isBase64.checked = text === null;
  box.value = text ?? toBase64(bytes);
  box.dispatchEvent(new Event('input', { bubbles: true }));
}

addEventListener('dragover', event => { if (event.dataTransfer?.types.includes('Files')) { event.preventDefault(); document.body.classList.add('dropping'); } });
addEventListener('dragleave', event => { if (!event.relatedTarget) document.body.classList.remove('dropping'); });
addEventListener('drop', event => {
  const file = event.dataTransfer?.files[0];
  document.body.classList.remove('dropping');
  if (!file) return;
  event.preventDefault();
  takeFile(file, event.target.closest('textarea[data-drop]') ?? $('textarea[data-drop]'));
});

/* ---- reveal and copy ---- */

function askPassword(what, wrong) {
  const input = el('input', { type: 'password', id: 'again', required: '', autocomplete: 'current-password' });
  const close = el('button', { type: 'button', class: 'btn quiet' }, 'Cancel');
  const form = el('form', { method: 'dialog', class: 'stack' }, el('h2', { id: 'again-title' }, 'Enter your password again'),
    el('p', { class: wrong ? 'error' : 'muted' }, wrong || `${what}. It is more than ten minutes since you did.`),
    el('div', { class: 'field' }, el('label', { for: 'again' }, 'Password'), input),
    el('div', { class: 'form-end' }, el('button', { type: 'submit', class: 'btn primary' }, 'Go on'), close));
  const dialog = el('dialog', { 'aria-labelledby': 'again-title' }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise(resolve => {
    let answer = null;
    form.addEventListener('submit', () => { answer = input.value; });
    close.addEventListener('click', () => dialog.close());
    dialog.addEventListener('close', () => { dialog.remove(); resolve(answer); });
  });
}

async function fetchValue(form, purpose) {
  let password = '', wrong = '';
  for (;;) {
    const body = new URLSearchParams(new FormData(form));
    body.set('purpose', purpose);
    if (password) body.set('password', password);
    const answer = await fetch(form.action, { method: 'POST', body, headers: { accept: 'application/json' } });
    const data = await answer.json().catch(() => ({}));
    if (answer.ok) return data;
    if (data.code !== 'prove') throw new Error(data.detail ?? 'The value could not be fetched. Load the page again.');
    if (password) wrong = 'This is not your password.';
    password = await askPassword('To see it', wrong);
    if (!password) return null;
  }
}

function showValue(item, data) {
  $('.revealed', item)?.remove();
  const left = el('span', { class: 'sub' }), code = el('code', { class: 'value', tabindex: '0' });
  code.textContent = data.value;
  const hide = el('button', { type: 'button', class: 'btn small' }, 'Hide');
  const box = el('div', { class: 'revealed', role: 'status' }, code, left, hide);
  const until = Date.now() + SHOWN_MS;
  const tick = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    if (seconds <= 0) { stop(); return; }
    left.textContent = `${data.is_base64 ? 'base64 of its bytes · ' : ''}hidden again in ${seconds} s`;
  };
  const timer = setInterval(tick, 1000);
  const stop = () => { clearInterval(timer); code.textContent = ''; box.remove(); };
  hide.addEventListener('click', stop);
  tick();
  item.append(box);
}

document.addEventListener('submit', async event => {
  const form = event.target.closest('form[data-reveal]');
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const button = event.submitter, purpose = button?.value === 'copy' ? 'copy' : 'show', words = button?.textContent;
  try {
    const data = await fetchValue(form, purpose);
    if (!data) return;
    if (purpose === 'show') { showValue(form.closest('li'), data); return; }
    await navigator.clipboard.writeText(data.value);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = words; }, 2000);
  } catch (error) { alert(error.message); }
}, true);
