import { MemoryStore } from '../support/stores/memory-store.ts';
import { storeContract } from './store-contract.ts';

storeContract('the memory store', async () => ({ store: new MemoryStore(), close: async () => {} }));
