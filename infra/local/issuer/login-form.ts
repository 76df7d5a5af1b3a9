import { escapeHtml } from '../html.ts';
import type { AuthorizationRequest } from './authorization-request.ts';
import { SCOPES, type Scope } from './issuer.ts';
import { PRINCIPALS } from './known-principals.ts';

const [FIRST = ''] = Object.keys(PRINCIPALS);

interface Entered {
  readonly principal?: string | undefined;
  readonly groups?: string;
  readonly problem?: string;
}

/** The page where a person says who they are, and what a client may do. */
export function loginForm(
  { clientId, url, scopes }: AuthorizationRequest,
  { principal = FIRST, groups = '', problem }: Entered,
) {
  const alert = problem === undefined ? '' : `<p class="problem" role="alert">${escapeHtml(problem)}</p>`;
  const known = Object.entries(PRINCIPALS).map(
    ([value, text]) => `<option value="${value}">${escapeHtml(text)}</option>`,
  );
  const content = `${alert}
<p>${escapeHtml(clientId)} at <code>${escapeHtml(url.origin)}</code> wants to know who you are.</p>
<form method="post" autocomplete="off">
<p><label for="principal">Principal</label>
<input id="principal" name="principal" list="principals" value="${escapeHtml(principal)}" required autocapitalize="none" spellcheck="false"></p>
<datalist id="principals">${known.join('')}</datalist>
<p><label for="groups">Groups, with spaces between</label>
<input id="groups" name="groups" value="${escapeHtml(groups)}" autocapitalize="none" spellcheck="false"></p>
<fieldset><legend>It may use</legend>${scopes.map(checkbox).join('')}</fieldset>
<p class="actions"><button name="decision" value="allow">Log in</button>
<button name="decision" value="deny" class="quiet" formnovalidate>Cancel</button></p>
</form>`;
  return { title: 'Log in', content, leadsTo: url.origin };
}

function checkbox(scope: Scope): string {
  const checked = scope === 'admin' ? '' : ' checked';
  return `<p><input type="checkbox" id="scope-${scope}" name="scope" value="${scope}"${checked}><label for="scope-${scope}">${SCOPES[scope]}</label></p>`;
}
