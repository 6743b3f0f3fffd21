import { openTemporaryStore } from '../support/sqlite-store.ts';
import { storeContract } from './store-contract.ts';

storeContract('SQLite', openTemporaryStore);
