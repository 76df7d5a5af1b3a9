import { escapeHtml } from '../html.ts';
import { PRINCIPALS } from '../issuer/known-principals.ts';

/** How the page knows who uses it: from a list of principals that it believes, or by a login. */
export type IdentityKind = 'list' | 'login';

/** The end of the header: whom the page acts for. */
export function identityControls(kind: IdentityKind): string {
  if (kind === 'login') {
    return `<div class="acting" data-inside hidden>
    <p>Logged in as <strong id="who"></strong></p>
    <button type="button" class="small" id="switch-identity">Switch identity</button>
    <button type="button" class="small" id="log-out">Log out</button>
  </div>`;
  }
  return `<form class="acting" id="acting" autocomplete="off">
    <label for="principal">Acting as</label>
    <select id="principal">${options()}<option value="">Somebody else…</option></select>
    <span class="other" id="other" hidden>
      <input id="other-principal" aria-label="Principal to act as" placeholder="org:123456789" autocapitalize="none" spellcheck="false">
      <button type="submit">Switch</button>
    </span>
  </form>`;
}

/** The screen that is there until somebody has logged in. */
export function loginScreen(kind: IdentityKind): string {
  if (kind === 'list') return '';
  return `<main class="login" id="login-screen" hidden>
<h2>Log in</h2>
<p class="problem" role="alert" id="login-reason" hidden></p>
<p>Files are shown to those who may see them.</p>
<p class="actions"><button type="button" id="login-button">Log in</button></p>
</main>`;
}

/** Attributes of what is shown only once it is known who uses the page. */
export function insideOf(kind: IdentityKind): string {
  return kind === 'login' ? ' data-inside hidden' : '';
}

function options(): string {
  return Object.entries(PRINCIPALS)
    .map(([value, text]) => `<option value="${value}">${escapeHtml(text)}</option>`)
    .join('');
}
