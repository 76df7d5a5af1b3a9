/** Principals to choose from; any other can be typed. */
export const PRINCIPALS = {
  'org:889640782': 'org:889640782 (a clinic)',
  'org:974760673': 'org:974760673 (a hospital)',
  'user:nurse': 'user:nurse (in group:nurses)',
  'user:stranger': 'user:stranger (nobody in particular)',
  'user:operator': 'user:operator (an operator)',
  'user:second-operator': 'user:second-operator (another operator)',
};
