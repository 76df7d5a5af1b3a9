import { byId } from '../element.ts';
import { Tour } from './tour.ts';

const start = byId('tour-start', HTMLButtonElement);
const tour = new Tour(() => start.focus());
start.addEventListener('click', () => tour.start());
