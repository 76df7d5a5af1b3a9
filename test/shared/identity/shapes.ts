/** Claims in the shape that the documentation of each issuer shows; see docs/identity.md. */
export const OID = 'f3a1c7de-5b1f-4f0e-9a55-0c1d2e3f4a5b';
export const CLIENT = '105f1576-0e36-47f0-b5bf-01e33c1d6c97';
export const GROUP = '0a1b2c3d-1111-4222-8333-444455556666';

export const consumer = { authority: 'iso6523-actorid-upis', ID: '0192:889640782' };
export const READ = 'nav:helse:helseopplysninger.read';
export const WRITE = 'nav:helse:helseopplysninger.write';
export const organisation = { consumer, scope: READ, client_id: CLIENT, jti: 'Jx6P', token_type: 'Bearer' };
export const user = {
  aud: CLIENT,
  oid: OID,
  sub: 'pairwise',
  azp: CLIENT,
  scp: 'fileshare.read',
  uti: 'u1',
  ver: '2.0',
};
export const app = {
  aud: CLIENT,
  oid: OID,
  sub: OID,
  azp: CLIENT,
  roles: ['access_as_application'],
  ver: '2.0',
};
export const overage = {
  _claim_names: { groups: 'src1' },
  _claim_sources: { src1: { endpoint: 'https://graph' } },
};
export const mail = (email: string, more: object = {}) => ({
  aud: 'https://f.example',
  email,
  email_verified: true,
  ...more,
});
export const robot = mail('robot@project.iam.gserviceaccount.com', { azp: '1', sub: '1' });
export const kari = mail('Kari@Example.no', { hd: 'example.no' });
export const partner = { 'https://nhn.no/claims/client/organization_number': '994598759', aud: 'f' };
