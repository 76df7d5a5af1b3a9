import { chooser } from './acting.ts';
import { byId } from './element.ts';
import { LOCAL_LIVE } from './live.ts';
import { logIn } from './login/login.ts';
import type { Where } from './login/where.ts';
import { type Session, sessionOf } from './session.ts';

export interface Identity {
  readonly session: Session;
  /** Where events come from; undefined where the page gets none. */
  readonly liveUrl: string | undefined;
  /** The view of the person before they had to log in again. */
  readonly where?: Where | undefined;
}

/**
 * Resolves with the one who uses the page: who has logged in, or on the page of the local platform who was chosen
 * from its list.
 * @param onSwitch is told whom somebody chooses from the list
 */
export async function identify(onSwitch: (session: Session) => void): Promise<Identity> {
  if (document.getElementById('login-screen')) {
    const { config, session, where } = await logIn();
    byId('connection', HTMLElement).hidden = config.liveUrl === undefined;
    return { session, liveUrl: config.liveUrl, where };
  }
  const principal = chooser((chosen) => onSwitch(sessionOf(chosen)));
  return { session: sessionOf(principal), liveUrl: LOCAL_LIVE };
}
