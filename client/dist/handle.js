/** Whether the service has not decided yet. */
export function isUnderWay({ state }) {
    return state === 'uploading' || state === 'pending';
}
/** Whether the file can be downloaded: clean, or accepted by the policy of the deployment. */
export function isAvailable({ state, accepted }) {
    return state === 'clean' || (state === 'unscannable' && accepted === true);
}
