import { announce, silence } from './announce.ts';
import { byId } from './element.ts';

const KEY = 'hops-fileshare:acting-as';

/** The principal of the page: chosen from the list, or typed. A reload keeps it. */
export function chooser(onSwitch: (principal: string) => void): string {
  const form = byId('acting', HTMLFormElement);
  const select = byId('principal', HTMLSelectElement);
  const other = byId('other', HTMLElement);
  const typed = byId('other-principal', HTMLInputElement);
  const become = (principal: string) => {
    sessionStorage.setItem(KEY, principal);
    silence();
    announce(`Acting as ${principal}`);
    onSwitch(principal);
  };
  select.addEventListener('change', () => {
    other.hidden = select.value !== '';
    if (select.value) become(select.value);
    else typed.focus();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const principal = typed.value.trim();
    if (principal) become(principal);
  });
  const kept = sessionStorage.getItem(KEY) ?? select.value;
  select.value = kept;
  if (select.value !== kept) {
    select.value = '';
    typed.value = kept;
  }
  other.hidden = select.value !== '';
  return kept;
}
