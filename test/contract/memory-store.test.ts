import { MemoryStore } from '../support/stores/memory-store.ts';
import { recordContract, recordOf } from './record-contract.ts';
import { storeContract } from './store-contract.ts';

storeContract('the memory store', async () => ({ store: new MemoryStore(), close: async () => {} }));

recordContract('the memory store', async () => {
  const store = new MemoryStore();
  return {
    record: recordOf(store),
    clear: async () => void (await store.prune(Infinity)),
    close: async () => {},
  };
});
