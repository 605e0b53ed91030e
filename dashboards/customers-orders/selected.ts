import { onlySelected } from '../model/variables.ts';

/** Only what the variables of the dashboard have chosen. */
export const selectedChannel = onlySelected('channel', 'channel');
const selectedMode = onlySelected('mode', 'mode');
/** Of tables of orders and sales, which know the business mode. */
export const selectedOrders = `${selectedChannel} AND ${selectedMode}`;
