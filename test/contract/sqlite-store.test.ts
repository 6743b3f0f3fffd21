import { openTemporaryStore } from '../support/stores/sqlite-store.ts';
import { recordContract, recordOf } from './record-contract.ts';
import { storeContract } from './store-contract.ts';

storeContract('SQLite', openTemporaryStore);

recordContract('SQLite', async () => {
  const { store, close } = await openTemporaryStore();
  return { record: recordOf(store), clear: async () => void (await store.prune(Infinity)), close };
});
