import { type Issuer, SCOPES } from '../issuer/issuer.ts';
import { type PageConfig, parsePageConfig } from './page-config.ts';

/** Where the local platform serves the page with a login, as a deployment would. */
export const LOGIN_PATH = '/local/login/';
export const CONFIG_PATH = `${LOGIN_PATH}config.json`;

/** The configuration of the page of the local platform, for the name by which a browser has asked for it. */
export function localPageConfig(issuer: Issuer, { origin }: URL): PageConfig {
  return parsePageConfig({
    issuer: issuer.url,
    clientId: 'page',
    scope: ['openid', 'offline_access', ...Object.values(SCOPES)].join(' '),
    filesUrl: origin,
    uploadUrl: origin,
    principal: '{principal}',
    liveUrl: `${origin}/local/live`,
    operators: {
      scope: SCOPES.admin,
      ordersUrl: `${origin}/local/operator`,
      metricsUrl: `${origin}/local/metrics`,
    },
  });
}
