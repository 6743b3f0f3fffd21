import { openTemporaryStore } from '../support/stores/sqlite-store.ts';
import { storeContract } from './store-contract.ts';

storeContract('SQLite', openTemporaryStore);
